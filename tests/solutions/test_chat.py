"""Le chat de la dernière étape, dans de vrais navigateurs : on s'y parle, quoi qu'il arrive."""

import asyncio
import json
import re
import subprocess

import pytest

from tests.accessibility import accessible
from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.visitors.visiting import FASTER

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONNECTED = "document.querySelector('#state').textContent.startsWith('connecté')"
SAID = "[...document.querySelectorAll('#messages li')].map((line) => line.innerText)"
ATTACK = "<img src=x onerror=\"document.title='pris'\"><script>document.title='pris'</script>"
PASSWORD = "un mot de passe assez long"


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    """Le serveur du chat."""
    project = tmp_path_factory.mktemp("chat é à") / "live"
    copy_project(all_steps()[-1].solution, project)
    with Server(project) as server:
        yield server


@pytest.fixture
def room(request, kind) -> str:
    """Le salon d'un test, où personne n'a encore parlé."""
    return f"{request.node.originalname}-{kind}"[:90]


async def enter(opened, chat, room: str):
    """Renvoie la page d'une nouvelle personne, entrée dans un salon."""
    page = await opened.page()
    await page.goto(f"{chat.url}/chat/{room}/")
    await page.wait_for(CONNECTED)
    return page


async def say(page, text: str) -> None:
    await page.run(f"document.querySelector('#text').value = {json.dumps(text)}, null")
    await page.run("document.querySelector('#text').focus()")
    await page.press("Enter")


async def hear(pages, number: int, seconds: float = 30) -> list[list[str]]:
    """Renvoie ce que montre chaque page, quand elles montrent toutes ce nombre de messages."""
    for page in pages:
        await page.wait_for(f"{SAID}.length >= {number}", seconds)
    return [await page.run(SAID) for page in pages]


async def test_nothing_is_lost_nothing_comes_twice_nothing_is_executed(opened, chat, room):
    ada, blaise = await enter(opened, chat, room), await enter(opened, chat, room)
    title = await ada.run("document.title")
    sentences = [f"phrase {number}" for number in range(24)]
    for place, sentence in enumerate(sentences):
        match place:
            case 4 | 14:
                chat.kill()
            case 8 | 18:
                await asyncio.to_thread(chat.restart)
            case 10:
                await blaise.offline(True)
                await blaise.wait_for(f"!({CONNECTED})")
            case 20:
                await blaise.offline(False)
        await say((ada, blaise)[place % 2], sentence)
    await say(ada, ATTACK)
    heard = await hear((ada, blaise), len(sentences) + 1)
    assert heard[0] == heard[1]
    assert sorted(text.split("\n")[1] for text in heard[0]) == sorted([*sentences, ATTACK])
    for page in (ada, blaise):
        await page.wait_for("!document.querySelector('#outbox').children.length")
        assert await page.run("document.title") == title
        assert page.errors == []


async def test_what_was_not_sent_survives_a_reload(opened, chat, room):
    page = await enter(opened, chat, room)
    await page.offline(True)
    await page.wait_for(f"!({CONNECTED})")
    await say(page, "écrit hors ligne")
    await page.wait_for("document.querySelector('#outbox').innerText.includes('hors ligne')")
    await page.offline(False)
    await page.goto(f"{chat.url}/chat/{room}/")
    ((line,),) = await hear([page], 1)
    assert "écrit hors ligne" in line


async def test_older_messages_come_as_one_scrolls_up(opened, chat, room):
    # Une connexion n'a que cent jetons : cent vingt messages d'affilée seraient freinés.
    for first, shown in (0, 60), (60, 50 + 60):
        page = await enter(opened, chat, room)
        for number in range(first, first + 60):
            await page.run(
                f"(text.value = 'phrase {number}', document.querySelector('#talk').requestSubmit())"
            )
        await hear([page], shown)
    other = await enter(opened, chat, room)
    await other.wait_for(f"{SAID}.length === 50")
    before = await other.run("log.scrollHeight - log.scrollTop")
    await other.run("log.scrollTop = 0, null")
    await other.wait_for(f"{SAID}.length >= 100")
    assert await other.run("log.scrollTop > 0") and before > 0
    await other.run("log.scrollTop = 0, null")
    ((*lines,),) = await hear([other], 120)
    assert [line.split("\n")[1] for line in lines] == [f"phrase {number}" for number in range(120)]
    assert await other.run("document.querySelector('#older').hidden")


async def test_who_climbs_by_keyboard_keeps_a_place_and_an_old_message_has_its_date(
    opened, chat, room
):
    fill = f"""
import asyncio
from datetime import timedelta
from django.db.models import F
from chat import history
from chat.models import Message
for number in range(60):
    asyncio.run(history.keep({room!r}, [("Ada", f"phrase {{number}}", None, None)]))
Message.objects.filter(room={room!r}, number__lte=30).update(sent=F("sent") - timedelta(days=40))
"""
    command = [chat.python, "manage.py", "shell", "-v", "0", "-c", fill]
    await asyncio.to_thread(subprocess.run, command, cwd=chat.project, check=True)
    page = await enter(opened, chat, room)
    await page.wait_for(f"{SAID}.length === 50")
    await page.run("(older.focus({ preventScroll: true }), older.click())")
    await page.wait_for(f"{SAID}.length === 60")
    assert await page.run("older.hidden")
    assert await page.run("document.activeElement.id") == "log"
    times = await page.run("[...document.querySelectorAll('time')].map((time) => time.innerText)")
    assert all(re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d", one) for one in times[:30]), times[:3]
    assert all(re.fullmatch(r"\d\d:\d\d", one) for one in times[30:]), times[-3:]


async def test_a_long_message_is_written_and_read_on_several_lines(opened, chat, room):
    page, other = await enter(opened, chat, room), await enter(opened, chat, room)
    for number in range(25):
        await say(other, f"phrase {number}")
    await hear([page], 25)
    at_end = "log.scrollHeight - log.scrollTop - log.clientHeight < 40"
    height = await page.run("text.offsetHeight")
    await page.run("text.focus()")
    for line in "un", "deux", "trois":
        await page.type(line)
        await page.press("Shift+Enter")
        assert await page.run("text.scrollHeight <= text.clientHeight + 2"), line
        assert await page.run(at_end), line
    await say(other, "entre-temps")
    await hear([page], 26)
    assert await page.run(at_end)
    await page.type("quatre")
    await page.press("Enter")
    (heard, same) = await hear([page, other], 27)
    assert heard == same
    assert heard[-1].split("\n")[1:5] == ["un", "deux", "trois", "quatre"]
    assert await page.run("text.value") == ""
    assert await page.run("text.offsetHeight") == height
    await page.wait_for(at_end)
    assert await page.run("text.labels.length === 1 && !!document.getElementById('keys')")


async def test_a_long_outage_is_said_once_and_the_return_too(opened, chat, room):
    page = await opened.page()
    await page.prepare(FASTER % 8)
    await page.goto(f"{chat.url}/chat/{room}/")
    await page.wait_for(CONNECTED)
    await page.run(
        "(window.seen = [], window.said = [], new MutationObserver(() => {"
        " const now = document.querySelector('#state');"
        " seen.push(now.textContent);"
        " if (now.ariaLive !== 'off') said.push(now.textContent);"
        " }).observe(document.querySelector('#state'), { childList: true }))"
    )
    chat.kill()
    await page.wait_for("seen.filter((words) => words.startsWith('reconnexion')).length > 4")
    await asyncio.to_thread(chat.restart)
    await page.wait_for(CONNECTED)
    said = await page.run("said")
    assert said == ["reconnexion dans 1 s", "connexion…", said[-1]]
    assert said[-1].startswith("connecté")


async def test_a_network_that_comes_back_keeps_what_works_and_counts_afresh(opened, chat, room):
    page = await opened.page()
    await page.prepare(
        "window.opened = 0; window.WebSocket = class extends WebSocket"
        " { constructor(...given) { super(...given); window.opened += 1; } };"
    )
    await page.prepare(FASTER % 8)
    await page.goto(f"{chat.url}/chat/{room}/")
    await page.wait_for(CONNECTED)
    await page.run("dispatchEvent(new Event('online'))")
    await say(page, "toujours là")
    await hear([page], 1)
    assert await page.run("opened") == 1
    chat.kill()
    await page.wait_for("/reconnexion dans ([4-9]|[1-3][0-9]) s/.test(state.textContent)")
    await page.run("dispatchEvent(new Event('online'))")
    await page.wait_for("state.textContent === 'reconnexion dans 1 s'")
    await asyncio.to_thread(chat.restart)
    await page.wait_for(CONNECTED)


async def test_the_keyboard_is_enough(opened, chat, kind):
    page = await opened.page()
    await page.goto(f"{chat.url}/")
    await page.run("document.querySelector('#room').select()")
    await page.type(f"Été à la mer {kind}")
    await page.press("Enter")
    await page.wait_for(f"location.pathname === '/chat/ete-a-la-mer-{kind}/'")
    await page.wait_for(CONNECTED)
    for _ in range(20):
        await page.press("Tab")
        if await page.run("document.activeElement.id") == "text":
            break
    await page.type("Au clavier")
    await page.press("Enter")
    ((line,),) = await hear([page], 1)
    assert "Au clavier" in line


async def sign_up(page, chat, name: str) -> None:
    await page.goto(f"{chat.url}/compte/inscription/")
    fields = {"username": name, "password1": PASSWORD, "password2": PASSWORD}
    for field, value in fields.items():
        await page.run(f"document.querySelector('[name={field}]').value = {json.dumps(value)}")
    await page.run("document.querySelector('main form').requestSubmit()")
    await page.wait_for("location.pathname === '/'")


async def test_who_signs_in_has_a_name_and_who_signs_out_is_closed(opened, chat, kind):
    page = await opened.page()
    await sign_up(page, chat, f"ada-{kind}")
    talking = await opened.page(beside=page)
    await talking.goto(f"{chat.url}/chat/poneys/")
    greeting = f"document.querySelector('#state').textContent.includes('Bienvenue ada-{kind} !')"
    await talking.wait_for(greeting)
    await page.run("document.querySelector('header form').requestSubmit()")
    await talking.wait_for("document.querySelector('#refusal').textContent.includes('session')")


PAGES = {
    "accueil": "/",
    "salon": "/chat/poneys/",
    "connexion": "/compte/connexion/",
    "inscription": "/compte/inscription/",
}


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
async def test_axe_finds_nothing(opened, chat, axe, path, kind):
    page = await opened.page()
    looks = [(width, dark) for width in (360, 1280) for dark in (False, kind == "chromium")]
    for width, dark in dict.fromkeys(looks):
        await page.emulate(width, dark)
        await page.goto(chat.url + path)
        if path == PAGES["salon"]:
            await page.wait_for(CONNECTED)
            await say(page, f"Une phrase, à {width} pixels.")
            await page.wait_for(f"{SAID}.length")
        await accessible(page, axe)
        # Les pages du compte disent leurs fautes.
        if await page.run("!!document.querySelector('main form[method=post]')"):
            await page.run("document.querySelector('main form').noValidate = true, null")
            # Le frein compte les essais par nom, et tous viennent d'ici.
            name = f"{kind}-{width}-{dark}"
            await page.run(f"document.querySelector('[name=username]').value = '{name}', null")
            await page.run("document.querySelector('main form').requestSubmit()")
            await page.wait_for("document.querySelector('.errorlist')")
            await accessible(page, axe)


async def test_axe_sees_a_fault(opened, chat, axe):
    page = await opened.page()
    await page.goto(chat.url + "/")
    await page.run("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match="label"):
        await accessible(page, axe)
