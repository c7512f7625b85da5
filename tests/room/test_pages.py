"""Les pages du tableau, dans de vrais navigateurs : justes, lisibles, et où rien ne s'exécute."""

import asyncio
import contextlib
import json
import os
import re
import time
import urllib.request
from pathlib import Path

import pytest

from tests.accessibility import accessible
from tests.room.serving import member, running_board
from workshop.room.reporter import Reporter
from workshop.room.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="module")
ATTACK = "<img src=x onerror=title='pris'>"
ROWS = "document.querySelectorAll('#rows li')"
# Où garder les images des pages, pour les regarder.
PICTURES = os.environ.get("ATELIER_PICTURES")


@pytest.fixture(scope="module")
def board():
    # Commencé depuis une heure, si minuit ne s'en mêle pas.
    start = f"{max(0, time.localtime().tm_hour - 1)}:00"
    with running_board("--debut", start, "--horaire", "journee") as running:
        yield running


@contextlib.asynccontextmanager
async def room(board, number: int):
    """Donne une salle de ce nombre de personnes, où il y a de tout."""
    reporters, tasks = [], []
    for rank in range(number):
        one = member(board.room, f"{NAMES[rank % len(NAMES)]} {rank}" if rank else ATTACK)
        live(one.story, rank)
        reporters.append(Reporter(board.room))
        reporters[-1].tell(one.frame)
        tasks.append(asyncio.create_task(reporters[-1].run()))
    try:
        yield reporters
    finally:
        for reporter in reporters:
            reporter.stop({**reporter.frame, "leave": True})
        await asyncio.wait_for(asyncio.gather(*tasks), 60)


NAMES = ("Ada", "Blaise", "Chloé", "Désirée-Anne de la Tour", "王小明", "Ömer", "Zoé")
STEPS = ("03-settings", "04-routing", "05-consumers", "05-consumers", "06-console")
FAULTS = (
    ("05-consumers", "test_echo", "coroutine-not-awaited"),
    ("05-consumers", "test_room", "other-group"),
    ("03-settings", "test_french", "missing-sign"),
    ("04-routing", "test_origin", "read-again"),
)


def live(story: Story, rank: int) -> None:
    """Vit un morceau de matinée : un sur deux rouge, un sur huit bloqué, un sur trois vert."""
    now = story.passages[story.step].began
    story.before = ["01-virtualenv", "02-startproject"]
    step, goal, code = FAULTS[rank // 2 % len(FAULTS)] if rank % 2 else (STEPS[rank % 5], "", "")
    story.passages.clear()
    story.begin(step, now - 900 - rank)
    if code:
        story.judge(step, "ppfwwwwww", goal, code, False, now - 60 * (rank % 9))
    elif rank % 3 == 0:
        story.judge(step, "ppppp", "", "", True, now - 30)
    if rank % 8 == 1:
        story.stuck = now - 120


async def keep(page, name: str) -> None:
    if PICTURES:
        Path(PICTURES, f"{name}.png").write_bytes(await page.screenshot())


@pytest.mark.parametrize("number", [30, 200])
async def test_the_board_fits_and_executes_nothing(opened, board, kind, axe, number):
    page = await opened.page()
    await page.emulate(1280)
    await page.goto(board.url + board.board)
    title = await page.run("document.title")
    async with room(board, number):
        await page.wait_for(f"{ROWS}.length === {number}", 60)
        await page.wait_for("document.querySelectorAll('#causes li').length === 4", 10)
        names = await page.run(f"[...{ROWS}].map((row) => row.children[0].textContent)")
        assert ATTACK in names
        states = await page.run(f"[...{ROWS}].map((row) => row.className)")
        order = [("stuck", "red", "silent", "busy", "green").index(state) for state in states]
        await page.wait_for(f"[...{ROWS}][0].className === 'stuck'")
        assert states.count("stuck") == (number + 6) // 8 and set(order) == {0, 1, 2, 4}
        for width in (1280, 1024, 320):
            for dark in (False, True) if kind == "chromium" else (False,):
                await page.emulate(width, dark)
                await accessible(page, axe)
                await keep(page, f"tableau-{number}-{width}-{'sombre' if dark else 'clair'}-{kind}")
        # Sur un écran d'ordinateur, trente personnes se voient d'un coup ; deux cents, en quatre.
        await page.emulate(1280)
        height = await page.run("document.documentElement.scrollHeight")
        assert height < (1300 if number == 30 else 3200), height
        assert await page.run("document.title") == title
        assert not await page.run("document.querySelector('#rows img')")
        assert page.errors == []
    await page.wait_for(f"{ROWS}.length === 0", 30)


async def test_a_row_tells_what_happens_and_survives_the_board(opened, kind):
    with running_board() as board:
        page = await opened.page()
        await page.goto(board.url + board.board)
        ada = member(board.room, "Ada")
        reporter = Reporter(board.room)
        reporter.tell(ada.frame)
        task = asyncio.create_task(reporter.run())
        await page.wait_for(f"{ROWS}.length === 1", 15)
        now = ada.story.passages["05-consumers"].began
        ada.story.judge("05-consumers", "pfw", "test_echo", "misspelt", False, now - 200)
        reporter.tell(ada.frame)
        line = f"{ROWS}[0].innerText"
        await page.wait_for(f"{line}.includes('rouge 3 min')")
        assert "05 · 1/3" in (text := await page.run(line)), text
        assert "Ce que l'on dit revient" in text
        ada.story.stuck = now - 60
        reporter.tell(ada.frame)
        await page.wait_for(f"{line}.includes('bloqué 1 min')")
        await asyncio.to_thread(board.kill)
        await page.wait_for("document.querySelector('#state').innerText.includes('ne répond plus')")
        ada.story.judge("05-consumers", "ppp", "", "", True, now)
        reporter.tell(ada.frame)
        await asyncio.to_thread(board.start)
        await page.wait_for(f"{ROWS}[0]?.innerText.includes('fini')", 40)
        await page.wait_for("document.querySelector('#state').innerText === 'en direct'")
        reporter.stop()
        await asyncio.wait_for(task, 15)
        await page.wait_for(f"{line}.includes('muet')", 15)
        assert await page.run(f"{ROWS}[0].className") == "silent"
        assert page.errors == []


async def test_the_projector_is_read_from_afar_and_names_nobody(opened, board, kind, axe):
    page = await opened.page()
    async with room(board, 30):
        for width, dark in ((1024, False), (320, False), *([(1024, True)] * (kind == "chromium"))):
            await page.emulate(width, dark)
            await page.goto(board.url + board.board + "projection/")
            await page.wait_for(
                "document.querySelector('#people').innerText === '30 personnes'", 20
            )
            await page.wait_for("document.querySelectorAll('#causes li').length === 4", 10)
            await accessible(page, axe)
            await keep(page, f"projection-{width}-{'sombre' if dark else 'clair'}-{kind}")
            if width == 1024:
                height = await page.run(
                    "document.querySelector('main').getBoundingClientRect().bottom"
                )
                assert height <= 768, height
            text = await page.run("document.documentElement.innerText")
            assert not any(name in text for name in (*NAMES, "onerror"))
    assert page.errors == []


async def test_a_cause_shows_a_wrong_program_and_the_chapter(opened, board, kind, axe):
    page = await opened.page()
    for path in (
        "cause/05-consumers/coroutine-not-awaited/?but=test_echo",
        "cause/02-startproject/nested-project/?but=test_project_answers",
        "cause/05-consumers/un-code-inconnu/",
    ):
        for width in (1024, 320):
            await page.emulate(width)
            await page.goto(board.url + board.board + path)
            await accessible(page, axe)
            await keep(page, f"cause-{path.split('/')[2]}-{width}-{kind}")
    await page.goto(
        board.url + board.board + "cause/05-consumers/coroutine-not-awaited/?but=test_echo"
    )
    wrong = await page.run("document.querySelector('mark').innerText")
    assert "self." in wrong and "await" not in wrong
    assert "Réunir" in await page.run("document.querySelector('main').innerText")
    assert page.errors == []


async def test_one_talks_in_the_chat_of_the_room_under_a_chosen_name(opened, board, kind, axe):
    ada, blaise = await opened.page(), await opened.page()
    for page, name in ((ada, f"Ada {kind}"), (blaise, ATTACK)):
        await page.goto(board.room)
        await page.emulate(320)
        await accessible(page, axe)
        await page.run(f"document.querySelector('#id_name').value = {json.dumps(name)}, null")
        await page.run("document.querySelector('form').requestSubmit()")
        await page.wait_for("document.querySelector('#state')?.textContent.includes('Bienvenue')")
    await ada.run("(text.value = '<b>Salut</b>', document.querySelector('#talk').requestSubmit())")
    await blaise.run("(text.value = 'Salut Ada', document.querySelector('#talk').requestSubmit())")
    said = "[...document.querySelectorAll('#messages li')].map((line) => line.innerText).join()"
    for page in (ada, blaise):
        await page.wait_for(f"{said}.includes('Salut Ada') && {said}.includes('<b>Salut</b>')")
        assert ATTACK in await page.run(said)
        await accessible(page, axe)
        assert await page.run("document.title") == "Le salon de la salle"
        assert page.errors == []
    await keep(ada, f"salon-320-{kind}")


async def test_nothing_comes_from_elsewhere(board):
    for path in (board.board, board.board + "projection/", "/salle/"):
        with urllib.request.urlopen(board.url + path) as answer:
            text, policy = answer.read().decode(), answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", text)
        assert "<script>" not in text and "style=" not in text
