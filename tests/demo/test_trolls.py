"""`demo --trolls` : une classe qui parle, que l'on mesure, et qui s'en va avec la commande."""

import asyncio
import itertools
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest
from websockets.asyncio.server import serve
from websockets.sync.client import connect

from tests.browser import browser_page
from workshop.basics import ROOT
from workshop.chapters.steps import find_step
from workshop.demo import running_demo, talking_trolls, trolls

QUICK = 0.02


@pytest.fixture(scope="module")
def server():
    with running_demo(find_step("05")) as running, talking_trolls(running, 5, QUICK) as process:
        yield running
        assert process.poll() is None, running.log


@pytest.fixture
def room(server):
    """Quelqu'un du salon, que l'on a accueilli."""
    address = server.url.replace("http", "ws") + "/chat/poneys/"
    with connect(address, origin=server.url, proxy=None) as ws:
        assert ws.recv(timeout=15).startswith("Bienvenue")
        yield ws


@pytest.fixture
def heard(room):
    """Soixante messages du salon : (nom, phrase)."""
    messages = [room.recv(timeout=15) for _ in range(60)]
    return [re.fullmatch(r"<(.+?)> (.+)", message).groups() for message in messages]


def test_each_has_its_name_and_its_say(heard):
    names, sentences = {name for name, _ in heard}, {sentence for _, sentence in heard}
    assert names <= {" ".join(trolls.full_name(rank)) for rank in range(5)}
    assert len(names) >= 3
    assert len(sentences) > 20


def test_they_answer_by_first_name(heard):
    firsts = {trolls.full_name(rank)[0] for rank in range(5)}
    answers = [(name, said) for name, said in heard if any(first in said for first in firsts)]
    assert answers
    assert not any(name.split()[0] in said for name, said in answers)


def test_no_two_have_the_same_name():
    assert len({trolls.full_name(rank) for rank in range(100)}) == 100


def test_the_talkative_say_more_than_the_shy(heard):
    spoken = Counter(name for name, _ in heard)
    talkative, shy = trolls.PACES.index(min(trolls.PACES)), trolls.PACES.index(max(trolls.PACES))
    assert spoken[" ".join(trolls.full_name(talkative))] > spoken[" ".join(trolls.full_name(shy))]


def test_nothing_is_said_twice_before_all_is_said():
    pair = [trolls.Troll(name, "", 1) for name in ("Ada", "Grace")]
    said = [pair[turn % 2].next_sentence() for turn in range(len(trolls.CLASS["sentences"]))]
    assert sorted(said) == sorted(trolls.CLASS["sentences"])
    assert len(set(said)) == len(said) >= 60


async def test_an_answer_is_to_the_last_who_spoke():
    async def room():
        for name in ("Bob Gris", "Grace Noir", "Ada Bleu"):
            yield f"<{name}> Salut les gens !"
        yield "Bienvenue Grace Noir !"

    troll = trolls.Troll("Ada", "", 1)
    assert not any("Grace" in troll.next_sentence() for _ in range(50))
    await troll.listen(room())
    said = [troll.next_sentence() for _ in range(200)]
    assert 20 < sum("Grace" in sentence for sentence in said) < 90
    assert not any(name in sentence for name in ("Bob", "Ada") for sentence in said)


class Silence:
    """Une connexion où personne ne dit rien."""

    async def send(self, text):
        pass

    async def __aiter__(self):
        await asyncio.Event().wait()
        yield


async def test_a_fault_of_a_troll_is_seen(monkeypatch):
    monkeypatch.setattr(trolls.Troll, "next_sentence", lambda self: self.gone)
    with pytest.raises(AttributeError, match="gone"):
        async with asyncio.timeout(5):
            await trolls.Troll("Ada", "", 0.01).chat(Silence())


async def test_a_troll_that_leaves_leaves_nothing():
    chat = asyncio.create_task(trolls.Troll("Ada", "", 1).chat(Silence()))
    await asyncio.sleep(0.05)
    chat.cancel()
    await asyncio.wait([chat])
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_troll_cut_off_comes_back_later_and_later(monkeypatch):
    monkeypatch.setattr(trolls, "FIRST_PAUSE", 0.1)
    entrances = []

    async def cut(ws):
        entrances.append(time.monotonic())

    async with serve(cut, "127.0.0.1", 0) as closing:
        port = closing.sockets[0].getsockname()[1]
        troll = asyncio.create_task(trolls.Troll("Ada", "", 0).stay(f"http://127.0.0.1:{port}"))
        async with asyncio.timeout(10):
            while len(entrances) < 5:
                await asyncio.sleep(0.05)
        troll.cancel()
    pauses = [later - sooner for sooner, later in itertools.pairwise(entrances)]
    assert pauses[0] < 0.3 < pauses[3]


@pytest.mark.parametrize("name", ["greetings", "answers", "sentences"])
def test_the_sentences_are_well_written(name):
    for sentence in trolls.CLASS[name]:
        assert re.search(r"[.!?]$", sentence), sentence
        assert not re.search(r"[\w»] [;:!?»]|« ", sentence), sentence


@pytest.mark.parametrize("number", ["0", "101", "beaucoup"])
def test_too_many_or_too_few_is_a_sentence(number):
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "demo", "05", "--trolls", number],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )
    assert done.returncode == 2
    assert "La valeur donnée à --trolls ne convient pas" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="ces signaux n'existent pas sous Windows")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_a_stopped_demonstration_leaves_no_troll(name):
    command = [sys.executable, "-m", "workshop", "demo", "05", "--trolls", "3"]
    demo = subprocess.Popen(
        [*command, "--sans-navigateur"], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert "http" in demo.stdout.readline()
        assert demo.stdout.readline() == "Trolls dans le salon poneys : 3\n"
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(getattr(signal, name))
        demo.wait(timeout=5)
    finally:
        demo.kill()
        demo.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert len(children) == 2 and not alive


@pytest.fixture
def page(chromium, server):
    with browser_page(chromium) as page:
        page.goto(server.url)
        page.get_by_text("connecté", exact=True).wait_for()
        yield page


def number(page, selector):
    """Renvoie le nombre que montre la page, ou None."""
    shown = page.inner_text(selector).replace(",", ".")
    return float(shown) if shown[0].isdigit() else None


def wait_for_delay(page, condition):
    page.wait_for_function(f"Number(delay.textContent) {condition}", timeout=15_000)


def test_the_page_shows_messages_a_second(page, room):
    start, count = time.monotonic(), 0
    while time.monotonic() < start + 6:
        room.recv(timeout=15)
        count += 1
    assert number(page, "#rate") == pytest.approx(count / 6, rel=0.5)


def test_the_page_shows_the_delay(page):
    wait_for_delay(page, "> 0")
    shown, delays = page.evaluate("[Number(delay.textContent), delays]")
    assert shown == pytest.approx(statistics.median_high(delays), abs=1)


def test_a_late_answer_shows_in_the_delay(page):
    wait_for_delay(page, "> 0")
    page.evaluate("probe.send = () => {}")
    wait_for_delay(page, "> 1500")
    page.evaluate("probe.close()")
    wait_for_delay(page, "< 1000")


def test_the_delay_comes_back_with_the_connection(page):
    wait_for_delay(page, "> 0")
    page.evaluate("ws.close()")
    page.wait_for_function("delay.textContent === '–'")
    page.fill("#text", "Je reviens.")
    page.press("#text", "Enter")
    wait_for_delay(page, "> 0")


def test_the_numbers_move_nothing_and_are_not_announced(page):
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 720})
        tops = [
            page.evaluate(
                """([first, second]) => {
                    rate.textContent = first;
                    delay.textContent = second;
                    return [...document.querySelectorAll("dt, dd, section, form")].flatMap(
                        (element) => [element.offsetLeft, element.offsetTop, element.offsetWidth]);
                }""",
                numbers,
            )
            for numbers in (["0,0", "–"], ["8,8", "7"], ["123,4", "12345"])
        ]
        assert tops[0] == tops[1] == tops[2]
    assert not page.query_selector("[aria-live] dd, [role=status] dd, [role=log] dd")


def test_the_page_keeps_the_last_lines_only(page):
    page.evaluate("for (let i = 0; i < 1000; i++) show(messages, `ligne ${i}`)")
    assert page.locator("#messages li").count() <= 300
    page.evaluate("messages.scrollTop = 0; show(messages, 'plus tard')")
    assert page.evaluate("messages.scrollTop") < 200
