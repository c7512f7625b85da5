"""L'étape 13 juge des tests : ses mutants sont vus par les nôtres, et jamais par une suite vide."""

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from workshop.chapters.schedule import OPTIONAL
from workshop.chapters.steps import find_step
from workshop.checking.checking import Goal, Report, check
from workshop.mutants.mutation import NO_PYTEST, OK, Runner, all_mutants, rewrite, with_tests_of
from workshop.project.files import copy_project
from workshop.system.processes import free_port, listening

STEP = find_step("13")
MUTANTS = all_mutants(STEP.folder / "mutants")
SAYS_NOTHING = "async def test_welcome(knock):\n    await knock().connect()\n"


@pytest.fixture
def project(tmp_path):
    """La solution de l'étape, sans ses tests : un test y écrit les siens."""
    copy_project(STEP.solution, tmp_path / "live")
    for path in (tmp_path / "live" / "tests").glob("test_*.py"):
        path.unlink()
    return tmp_path / "live"


@pytest.fixture
def runner():
    made = Runner(sys.executable)
    yield made
    made.stop()


def write(project, text, name="tests/test_mine.py"):
    (project / name).write_text(text, "utf-8")
    return project


def states(project, goals=""):
    """Renvoie les états des buts, et le résultat ; `goals` : on ne juge que ceux-là."""
    report = check(STEP, project, sys.executable, goal=goals)
    return [goal.state for goal in report.goals], report


def test_there_are_enough_and_each_has_its_goal():
    goals = {
        goal.id.removeprefix("test_").replace("_", "-"): goal.text
        for goal in check(STEP, Path("nulle-part"), "").goals
    }
    assert len(MUTANTS) >= 12
    for mutant in MUTANTS:
        title = mutant.title[0].lower() + mutant.title[1:]
        that = "qu'" if title[0] in "aeiouéèê" else "que "
        assert goals[mutant.name].removesuffix(f" {OPTIONAL}") == f"Votre suite voit {that}{title}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_one_file_and_says_it_shortly(mutant, tmp_path):
    copy_project(STEP.solution, tmp_path / "live")
    mutant.apply(tmp_path / "live")
    changed = [
        path
        for path in (tmp_path / "live").rglob("*")
        if path.is_file()
        and path.read_bytes() != (STEP.solution / path.relative_to(tmp_path / "live")).read_bytes()
    ]
    assert len(changed) == 1 and changed[0].suffix == ".py"
    compile(changed[0].read_text("utf-8"), changed[0], "exec")
    assert re.fullmatch(r"[A-ZÀ-Ý][^.!?]{10,70}", mutant.title)


def test_the_rewritten_chat_has_other_names(tmp_path):
    copy_project(STEP.solution, tmp_path / "live")
    rewrite(tmp_path / "live")
    text = (tmp_path / "live/chat/consumers.py").read_text("utf-8")
    assert "self.group_ =" in text and "self.group," not in text


def test_a_suite_that_affirms_nothing_sees_nothing(project):
    found, report = states(write(project, SAYS_NOTHING))
    waiting = ["waiting"] * (len(MUTANTS) - 2)
    assert found == ["passed"] * 3 + ["failed"] + waiting + ["skipped"]
    assert report.diagnosis.code == "no-assertion"


def test_what_is_seen_is_green_even_after_a_red_goal(project):
    """Deux chats suffisent : l'un est vu, l'autre non."""
    text = (
        "async def test_huge_name(knock):\n"
        "    accepted, _ = await knock('x' * 91).connect()\n"
        "    assert not accepted\n"
    )
    found, report = states(write(project, text), "test_own test_welcome test_no_room")
    assert found == ["passed", "failed", "passed"]
    assert report.red.id == "test_welcome"
    assert report.red.reason.endswith("Chats cassés qui lui échappent : 1 sur 2.")


def test_without_a_server_of_its_own_the_optional_goal_is_spared(project):
    found, report = states(write(project, SAYS_NOTHING), "test_own test_server")
    assert found == ["passed", "skipped"]
    assert report.passed and report.exit_code == 0
    assert "mouvement 7" in report.goals[-1].reason


def test_with_a_server_of_its_own_the_optional_goal_is_judged(project):
    write(project, SAYS_NOTHING, "tests/test_server.py")
    found, report = states(project, "test_own test_server")
    assert found == ["passed", "failed"] and report.passed is False


def test_any_other_goal_that_is_skipped_is_not_passed():
    goals = [Goal("a", "Un but", "passed", None), Goal("b", "Un autre", "skipped", "…")]
    assert Report("13-tests", goals).passed is None
    spared = replace(goals[1], text=f"Un autre {OPTIONAL}")
    assert Report("13-tests", [goals[0], spared]).passed is True
    assert Report("13-tests", [replace(goals[0], state="failed"), spared]).passed is False


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ne trouve aucun test"),
        ("def test_red():\n    assert False\n", "test_red échoue"),
        ("import pytest\n@pytest.mark.skip\ndef test_later():\n    pass\n", "tous sont sautés"),
        ("import nowhere\n", "ne peut pas lire tests/test_mine.py"),
        ("def test_gone():\n    import os\n    os._exit(0)\n", "test_gone ne finit pas"),
    ],
    ids=["vide", "toujours rouge", "sautée", "illisible", "os._exit"],
)
def test_a_suite_that_proves_nothing_is_red_at_once(text, reason, project):
    found, report = states(write(project, text))
    assert found == ["failed"] + ["waiting"] * (len(found) - 1)
    assert reason in report.red.reason and report.red.reason.endswith(".")


def test_another_layout_passes(project):
    """Dans l'application, par pyproject.toml, en mode strict, avec unittest à côté.

    Deux chats suffisent : l'un est vu par pytest, l'autre par unittest.
    """
    (project / "pytest.ini").unlink()
    settings = (
        '[tool.pytest.ini_options]\nDJANGO_SETTINGS_MODULE = "live.settings"\n'
        'python_files = ["tests.py"]\nasyncio_default_fixture_loop_scope = "function"\n'
    )
    write(project, settings, "pyproject.toml")
    (project / "tests/conftest.py").unlink()
    text = (
        "import pytest\n"
        "from channels.testing import WebsocketCommunicator\n"
        "from django.test import TestCase\n"
        "from live.asgi import application\n"
        "HEADERS = [(b'host', b'localhost'), (b'origin', b'http://localhost')]\n\n\n"
        "@pytest.mark.asyncio\n"
        "@pytest.mark.django_db(transaction=True)\n"
        "async def test_welcome():\n"
        "    ada = WebsocketCommunicator(application, '/chat/poneys/', HEADERS)\n"
        "    await ada.connect()\n"
        "    assert await ada.receive_from() == 'Bienvenue Anonymous troll !'\n"
        "    await ada.disconnect()\n\n\n"
        "class HomeTest(TestCase):\n"
        "    def test_explains(self):\n"
        "        page = self.client.get('/', {'room': '!'}).content.decode()\n"
        "        self.assertIn('s\\'appeler !', page)\n"
    )
    write(project, text, "chat/tests.py")
    found, _ = states(project, "test_own test_reverse test_rewritten test_welcome test_home")
    assert found == ["passed"] * 5


def test_only_what_the_chat_has_not_comes_with_the_tests(project, tmp_path):
    write(project, "broken = True\n", "chat/consumers.py")
    write(project, "", "chat/migrations/0002_mine.py")
    write(project, "ANSWER = 42\n", "answers.py")
    mixed = with_tests_of(project, find_step("12").solution, tmp_path / "mixed")
    assert "broken" not in (mixed / "chat/consumers.py").read_text("utf-8")
    assert (mixed / "answers.py").is_file() and (mixed / "tests/conftest.py").is_file()
    assert not (mixed / "chat/migrations/0002_mine.py").exists()


@pytest.mark.parametrize("options", [(), ("--no-fork",)], ids=["dédoublé", "un par un"])
def test_several_suites_one_after_another(options, project):
    runner = Runner(sys.executable, *options)
    try:
        assert runner.run(write(project, "def test_a():\n    pass\n")).green
        other = project.with_name("other")
        copy_project(project, other)
        assert runner.run(write(other, "def test_a():\n    assert False\n")).caught
    finally:
        runner.stop()


def test_an_endless_suite_is_stopped_and_has_seen_nothing(project, runner):
    write(project, "import time\ndef test_wait():\n    time.sleep(60)\n")
    verdict = runner.run(project, seconds=6)
    assert verdict.endless and not verdict.caught
    assert verdict.running.endswith("test_wait")


@pytest.mark.skipif(os.name == "nt", reason="les groupes de processus de POSIX")
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_no_server_outlives_the_suite(end, project):
    port = free_port()
    text = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, '-m', 'http.server', '{port}', '--bind', '127.0.0.1']\n"
        "subprocess.Popen(command)\n"
        "def test_wait():\n    time.sleep(60)\n"
    )
    write(project, text)
    parent = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import sys; from pathlib import Path; from workshop.mutants.mutation import Runner\n"
            "runner = Runner(sys.executable)\n"
            f"runner.run(Path({str(project)!r}), seconds={10 if end == 'stop' else 60})\n"
            "runner.stop()",
        ],
        stdin=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 40
    while not listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert listening(port)
    if end == "kill":
        parent.kill()
    parent.wait()
    while listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listening(port)


def test_a_python_without_pytest_is_said(project, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    runner = Runner(str(python))
    verdict = runner.run(project)
    runner.stop()
    assert verdict.code == NO_PYTEST != OK
    report = check(STEP, project, str(python))
    assert report.red.reason == "pytest n'est pas installé dans l'environnement de votre projet."
    assert report.diagnosis.code == "not-installed"
