"""L'étape 06, jouée par un vrai Chromium : la voix, et tout ce que le chapitre fait voir."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.sync.client import connect

from tests.browser import browser_page, paste
from workshop.chapters.steps import all_steps, find_step
from workshop.checking.checking import check, was_heard
from workshop.project.files import has_migrations
from workshop.project.serving import Server
from workshop.system.processes import free_port

pytestmark = pytest.mark.usefixtures("own_progress")
STEP = find_step("06")
LATER = [step for step in all_steps() if step.number >= 6]
SNIPPETS = [token.content for token in STEP.tokens if token.type == "fence" and token.info == "js"]
LINES_OF_2016, CONSOLE, *REST = SNIPPETS


def pytest_generate_tests(metafunc):
    # La première et la dernière ; toutes, par une option.
    if (
        "solution" in metafunc.fixturenames
        and metafunc.function is not test_who_is_identified_is_called_by_name
    ):
        steps = LATER if metafunc.config.getoption("tout") else [LATER[0], LATER[-1]]
        metafunc.parametrize("solution", steps, ids=lambda step: step.slug, indirect=True)


@pytest.fixture
def solution(request, tmp_path):
    """Le projet d'une étape, à partir de 06, prêt à servir."""
    project = tmp_path / "live"
    shutil.copytree(request.param.solution, project)
    return project


@pytest.fixture
def server(solution):
    with Server(solution) as running:
        yield running


@pytest.fixture
def page(chromium, server):
    """Une page du projet, dont les lignes de console se lisent dans `page.lines`."""
    # À partir de 11, la politique de sécurité arrêterait l'attaque que montre le chapitre 06.
    with browser_page(chromium, bypass_csp=True) as page:
        page.lines = []
        page.on("console", lambda line: page.lines.append(line.text))
        page.goto(server.url)
        yield page


def hears(page, text):
    """Attend une ligne dans la console de la page."""
    deadline = time.monotonic() + 5
    while text not in page.lines and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert text in page.lines, page.lines


def test_a_voice_turns_the_step_green(page, solution, server):
    listening = {"listen": 30, "server": server.url}
    with ThreadPoolExecutor() as pool:
        verdict = pool.submit(check, STEP, solution, sys.executable, **listening)
        while not verdict.done():
            page.goto(server.url)
            assert paste(page, (solution / "console.js").read_text("utf-8")) is None
            page.wait_for_timeout(500)
    assert verdict.result().passed
    assert was_heard(solution / "console.js")
    again = check(STEP, solution, sys.executable)
    assert again.passed
    (solution / "console.js").write_text("// autre chose", "utf-8")
    assert check(STEP, solution, sys.executable).passed is None


def test_without_a_voice_the_step_is_red(solution, server):
    report = check(STEP, solution, sys.executable, listen=2, server=server.url)
    assert report.exit_code == 1
    assert "Bienvenue Anonymous troll !" in report.goals[1].reason


def say(server, room, sentence):
    """Dit une phrase dans un salon, comme le ferait un navigateur."""
    address = f"{server.url.replace('http', 'ws')}/chat/{room}/"
    with connect(address, origin=server.url, proxy=None) as someone:
        someone.recv()
        someone.send(sentence)
        someone.recv()


def red_with(solution, server, room, sentence):
    """Renvoie le diagnostic de l'étape quand quelqu'un dit autre chose, ou ailleurs."""
    migrate(solution)
    with ThreadPoolExecutor() as pool:
        verdict = pool.submit(check, STEP, solution, sys.executable, listen=6, server=server.url)
        while not verdict.done():
            say(server, room, sentence)
            time.sleep(0.3)
    return verdict.result().diagnosis


def migrate(solution):
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=solution, check=True)


def test_a_sentence_with_one_wrong_character(solution, server):
    found = red_with(solution, server, "poneys", "Bonjour depuis le navigateur !")
    assert (found.code, found.file) == ("changed-character", "console.js")


def test_a_voice_in_another_room(solution, server):
    script = solution / "console.js"
    script.write_text(script.read_text("utf-8").replace("poneys", "4chan-b"), "utf-8")
    found = red_with(solution, server, "4chan-b", "Bonjour depuis le navigateur !")
    assert (found.code, found.file, found.line) == ("other-room", "console.js", 1)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ('"ws://" + location.host', '"wss://" + location.host'),
        ("location.host", "location.hostname"),
        ("/chat/poneys/", "/chat/poneys"),
        ("/chat/poneys/", "/poneys/"),
    ],
)
def test_an_address_that_is_not_the_room(solution, server, written, instead):
    script = solution / "console.js"
    text = script.read_text("utf-8")
    assert written in text
    script.write_text("// dans la console\n" + text.replace(written, instead), "utf-8")
    found = check(STEP, solution, sys.executable, listen=1, server=server.url).diagnosis
    assert (found.code, found.file, found.line) == ("other-address", "console.js", 2)


@pytest.mark.parametrize("prefix", ["ws://${location.host}", "ws://${window.location.host}"])
def test_an_address_that_is_the_room(solution, server, prefix):
    script = solution / "console.js"
    address = f"new WebSocket(`{prefix}/chat/poneys/`);\n"
    script.write_text(address, "utf-8")
    found = check(STEP, solution, sys.executable, listen=1, server=server.url).diagnosis
    assert found.code == "nobody-spoke"


def test_when_nobody_pasted_no_cookie_is_blamed(solution, server):
    report = check(STEP, solution, sys.executable, listen=1, server=server.url)
    assert report.diagnosis.code == "nobody-spoke"
    # Sans tables, un cookie d'ailleurs est un cas possible, et non la cause.
    assert report.diagnosis.cause.startswith("Ouvrez une page de votre serveur")
    # À partir de 09, la base du serveur est déjà faite.
    assert ("Si elle répond" in report.diagnosis.cause) is not has_migrations(solution)
    migrate(solution)
    report = check(STEP, solution, sys.executable, listen=1, server=server.url)
    assert report.diagnosis.code == "nobody-spoke"
    assert "migrate" not in report.diagnosis.cause


def test_another_program_on_the_port(solution, tmp_path):
    shutil.copytree(find_step("02").solution, tmp_path / "02-startproject")
    with Server(tmp_path / "02-startproject") as other:
        report = check(STEP, solution, sys.executable, listen=1, server=other.url)
    assert report.diagnosis.code == "other-server"
    assert str(other.process.pid) in report.diagnosis.cause
    assert "02-startproject" in report.diagnosis.cause


def test_without_a_server_nothing_is_judged(solution):
    url = f"http://127.0.0.1:{free_port()}"
    report = check(STEP, solution, sys.executable, listen=2, server=url)
    assert (report.passed, report.exit_code) == (None, 2)
    assert "Démarrez le vôtre" in report.goals[1].reason


def test_pasted_twice_the_console_still_speaks(page, server):
    for _ in range(2):
        page.lines.clear()
        assert paste(page, CONSOLE) is None
        hears(page, "<Anonymous troll> Bonjour depuis le navigateur !")
        heard = [line for line in page.lines if "troll" in line]
        assert heard[0] == "Bienvenue Anonymous troll !"


def test_the_chapter_shows_the_danger_and_the_cure(page):
    by_hand, danger, lost_name, attack, cure, new_title = REST
    paste(page, CONSOLE)
    hears(page, "<Anonymous troll> Bonjour depuis le navigateur !")
    paste(page, by_hand)
    hears(page, "<Anonymous troll> Il y a quelqu'un ?")

    paste(page, danger)
    paste(page, lost_name)
    page.wait_for_function("document.body.innerText.includes('Où est passé mon nom')")
    assert "Anonymous troll" not in page.inner_text("body")
    paste(page, attack)
    page.wait_for_function("document.title === 'Cette page est à moi'")

    paste(page, cure)
    paste(page, new_title)
    paste(page, lost_name)
    page.wait_for_function("document.body.innerText === '<Anonymous troll> Où est passé mon nom ?'")
    paste(page, attack)
    page.wait_for_function("document.body.innerText.includes('onerror')")
    assert "<Anonymous troll> <img src=x" in page.inner_text("body")
    assert page.title() == "Sain et sauf"


def test_the_three_lines_of_2016_lose_the_greeting_one_by_one(page):
    for line in LINES_OF_2016.splitlines():
        assert paste(page, line) is None
        page.wait_for_timeout(400)
    hears(page, "<Anonymous troll> Salut les gens !")
    assert "Bienvenue Anonymous troll !" not in page.lines


def test_the_three_lines_of_2016_fail_together(page):
    error = paste(page, LINES_OF_2016)
    shown = "InvalidStateError: Failed to execute 'send' on 'WebSocket': Still in CONNECTING state."
    assert error == shown and shown in STEP.chapter.read_text("utf-8")
    hears(page, "Bienvenue Anonymous troll !")


def test_two_windows_hear_each_other_and_a_welcome_is_for_one(page, server):
    paste(page, CONSOLE)
    hears(page, "<Anonymous troll> Bonjour depuis le navigateur !")
    page.lines.clear()
    say(server, "poneys", "Oui, moi.")
    hears(page, "<Anonymous troll> Oui, moi.")
    assert "Bienvenue Anonymous troll !" not in page.lines


@pytest.mark.parametrize("solution", [STEP], ids=[STEP.slug], indirect=True)
def test_who_is_identified_is_called_by_name(page, solution, server):
    migrate(solution)
    created = next(act for act in STEP.acts if "createsuperuser" in str(act)).commands[0].split()
    subprocess.run(
        [sys.executable, *created[1:], "--noinput"],
        cwd=solution,
        env=os.environ | {"DJANGO_SUPERUSER_PASSWORD": "quatre poneys"},
        check=True,
    )
    page.goto(f"{server.url}/admin/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "quatre poneys")
    page.press("#id_password", "Enter")
    page.get_by_text("Utilisateurs").first.wait_for()
    page.goto(server.url)
    paste(page, CONSOLE)
    hears(page, "Bienvenue admin !")
    page.goto(f"{server.url}/admin/auth/user/1/change/")
    page.fill("#id_first_name", "Ada")
    page.fill("#id_last_name", "Lovelace")
    page.click("input[name=_save]")
    page.goto(server.url)
    paste(page, CONSOLE)
    hears(page, "Bienvenue Ada Lovelace !")
