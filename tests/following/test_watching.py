"""`suivre` : ses écrans, ce qui déclenche une vérification, ce que font ses touches."""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from workshop.basics import ROOT
from workshop.chapters.steps import all_steps, find_step
from workshop.checking import checking
from workshop.checking.checking import Goal, Judge, Report
from workshop.diagnosis.finding import Diagnosis
from workshop.following import environment, watching
from workshop.following.environment import Environment
from workshop.following.screen import KEYS, View, keys_line, screen, text
from workshop.following.watching import Follower, changes, follow
from workshop.system import memory, nursed
from workshop.system.processes import project_environment

pytestmark = pytest.mark.usefixtures("own_progress")
SCREENS = Path(__file__).with_name("screens")
RED = Diagnosis(
    "coroutine-not-awaited",
    "Attendu : « <Anonymous troll> Salut les gens ! ». Entendu : rien n'est venu.",
    "Il manque « await » devant cet appel à group_add : l'inscription n'a jamais lieu.",
    "chat/consumers.py",
    13,
)


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "atelier é à" / "live"
    shutil.copytree(find_step("05").solution, folder)
    return folder


def report(*states: str, diagnosis: Diagnosis | None = None) -> Report:
    texts = ("Qui arrive entend `Bienvenue !`", "Ce que l'on dit revient", "Tout le salon entend")
    goals = [
        Goal(f"test_{i}", goal, state, RED.observed if state == "failed" else None)
        for i, (goal, state) in enumerate(zip(texts, states, strict=True))
    ]
    return Report("05-consumers", goals, diagnosis)


VIEWS = {
    "premier lancement": View(find_step("01"), status="vérification…", checking=True),
    "de retour": View(
        find_step("05"),
        report("passed", "failed", "waiting", diagnosis=RED),
        frozenset(step.slug for step in all_steps()[:4]),
        "Vérifié à 14:05:12.",
    ),
    "rouge": View(
        find_step("05"),
        report("passed", "failed", "waiting", diagnosis=RED),
        frozenset({"01-virtualenv"}),
        "Vérifié à 14:05:12.",
        welcome=False,
    ),
    "vert": View(
        find_step("05"), report("passed", "passed", "passed"), status="Vérifié.", welcome=False
    ),
    "fin du parcours": View(
        all_steps()[-1],
        report("passed", "passed", "passed"),
        frozenset(step.slug for step in all_steps()),
        welcome=False,
    ),
}


@pytest.mark.parametrize("name", VIEWS)
def test_screen(name):
    shown = text(screen(VIEWS[name]), 80, color=False)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in shown
    assert "\n".join(lines).strip() == (SCREENS / f"{name}.txt").read_text("utf-8").strip()


def test_the_keys_fit_on_one_line_of_80_columns():
    assert len(keys_line()) <= 80
    assert all(f"{key} {name}" in keys_line() for key, name in KEYS.items())


def test_colors_are_there_when_wanted():
    assert "\x1b[31m✘" in text(screen(VIEWS["rouge"]), 80)


def test_a_colon_never_begins_a_line():
    for width in range(30, 90):
        for line in text(screen(VIEWS["rouge"]), width, color=False).splitlines():
            assert not line.lstrip().startswith((":", "»")), line


async def seen(watched, seconds=3.0) -> bool:
    """Renvoie True si un changement est annoncé à temps."""
    task = asyncio.ensure_future(anext(watched))
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return bool(done)


async def test_a_save_is_seen(project):
    watched = changes(project)
    task = asyncio.ensure_future(seen(watched))
    await asyncio.sleep(0.5)
    (project / "chat" / "consumers.py").write_text("x = 1\n", "utf-8")
    assert await task


async def test_what_a_run_leaves_and_what_runs_in_the_environment_are_not_seen(project):
    (project / ".venv" / "bin").mkdir(parents=True)
    task = asyncio.ensure_future(seen(changes(project), 2.5))
    await asyncio.sleep(0.5)
    (project / ".venv" / "bin" / "activate").write_text("", "utf-8")
    (project / "chat" / "__pycache__").mkdir()
    (project / "chat" / "__pycache__" / "consumers.pyc").write_bytes(b"")
    (project / "db.sqlite3").write_bytes(b"")
    assert not await task


@pytest.mark.parametrize("place", ["lib/python3.13/site-packages", "Lib/site-packages"])
async def test_an_environment_made_then_a_package_installed_are_seen(project, place):
    watched = changes(project)
    task = asyncio.ensure_future(seen(watched))
    await asyncio.sleep(0.5)
    packages = project / ".venv" / place
    packages.mkdir(parents=True)
    (project / ".venv" / "pyvenv.cfg").write_text("", "utf-8")
    assert await task
    task = asyncio.ensure_future(seen(watched))
    (packages / "django").mkdir()
    assert await task


def test_an_environment_that_still_moves_is_left_to_finish(project, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(environment.time, "monotonic", lambda: next(clock) * 0.4)
    packages = project / ".venv" / "lib" / "python3.13" / "site-packages"
    packages.mkdir(parents=True)
    watched = Environment(project)
    answers = []
    for name in ("django", "channels", None, None, None, None):
        if name:
            (packages / name).mkdir()
        answers.append(watched.has_changed())
    assert answers[:2] == [False, False] and answers.count(True) == 1


async def test_a_folder_deleted_then_remade_is_seen(project):
    watched = changes(project)
    task = asyncio.ensure_future(seen(watched))
    await asyncio.sleep(0.5)
    shutil.rmtree(project)
    assert await task
    task = asyncio.ensure_future(seen(watched))
    await asyncio.sleep(0.5)
    shutil.copytree(find_step("05").solution, project)
    assert await task


async def test_without_events_the_folder_is_looked_at_every_second(project, monkeypatch):
    async def silent(*folders, rust_timeout, **options):
        while True:
            await asyncio.sleep(rust_timeout / 1000)
            yield set()

    monkeypatch.setattr(watching, "awatch", silent)
    task = asyncio.ensure_future(seen(changes(project)))
    await asyncio.sleep(0.2)
    (project / "nouveau.py").write_text("", "utf-8")
    assert await task


async def driven(follower: Follower, *script) -> None:
    """Suit un projet avec un faux terminal : un texte est tapé, une fonction est appelée."""
    with create_pipe_input() as keyboard:

        async def play():
            for action in script:
                if isinstance(action, str):
                    keyboard.send_text(action)
                    await asyncio.sleep(0.3)
                else:
                    await action()

        playing = asyncio.ensure_future(play())
        await asyncio.wait_for(follow(follower, input=keyboard, output=DummyOutput()), 60)
        await playing


def until(condition, seconds=30):
    """Renvoie une action qui attend qu'une condition soit vraie."""

    async def wait():
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.05)

    return wait


def started_since(before: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if one not in before]


async def test_save_hint_solution_trace_next(project):
    # Ce qui sert à toutes les vérifications reste jusqu'à la fin de ce processus.
    nursed.start(sys.executable)
    with Judge(find_step("05")):
        pass
    before = psutil.Process().children(recursive=True)
    path = project / "chat" / "consumers.py"
    good = path.read_text("utf-8")
    follower = Follower(find_step("05"), project)
    view = follower.view

    def judged(passed):
        return lambda: not view.checking and view.report and view.report.passed is passed

    async def break_it():
        path.write_text(good.replace("await self.accept()", "self.accept()"), "utf-8")

    async def mend_it():
        path.write_text(good, "utf-8")

    notes, panels = [], []

    async def look():
        notes.append(view.note)
        panels.append(view.panel and text(view.panel, 80, color=False))

    await driven(
        follower,
        until(judged(True)),
        break_it,
        until(judged(False)),
        *("n", look, "i", look, "s", look, "t", look, "\x1b", look),
        mend_it,
        until(judged(True)),
        "n",
        until(lambda: view.report and not view.checking and view.step.number == 6),
        "q",
    )
    assert "pas encore verte" in notes[0]
    assert "Indice 1" in panels[1]
    assert "await self.accept()" in panels[2]
    assert "test_welcome" in panels[3]
    assert panels[4] is None
    assert view.step.number == 6
    assert "05-consumers" in checking.green_steps()
    assert memory.kept("step") == "06-console"
    assert not started_since(before)


def test_the_waiting_process_holds_nothing_of_a_project():
    code = (
        "import sys, workshop.checking.judging as judging\n"
        "judging.sys.stdin = type('In', (), {'readline': staticmethod(lambda: print(\n"
        "    'DJANGO_SETTINGS_MODULE' in judging.os.environ,\n"
        "    sorted({name.split('.')[0] for name in sys.modules} & {'live', 'chat'}),\n"
        "    'daphne.server' in sys.modules, file=sys.stderr) or '')})\n"
        f"judging.main({str(find_step('05').folder)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=project_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert "False [] True" in done.stderr


def test_a_judge_dies_with_its_parent():
    judge = Judge(find_step("05"))
    process = psutil.Process(judge.process.pid)
    judge.process.stdin.close()
    process.wait(timeout=20)
    judge.stop()


@pytest.mark.skipif(os.name == "nt", reason="il faut un pseudo-terminal, que Windows n'a pas")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("delay", [0.3, 2.0])
def test_a_killed_follow_leaves_no_process(name, delay, tmp_path):
    code = (
        "import asyncio, sys; from pathlib import Path; from workshop.system import memory;"
        "from workshop.chapters.steps import find_step;"
        "from workshop.commands.main import catch_signals;"
        "from workshop.following.watching import Follower, follow;"
        "memory.PROGRESS = Path(sys.argv[1]); catch_signals();"
        "main = lambda: follow(Follower(find_step('05'), find_step('05').solution));"
        "asyncio.run(main())"
    )
    controller, terminal = os.openpty()
    process = psutil.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not process.children(recursive=True) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(delay)
    children = process.children(recursive=True)
    assert children
    process.send_signal(getattr(signal, name))
    reading = threading.Thread(target=drain, args=(controller,), daemon=True)
    reading.start()
    process.wait(timeout=20)
    _, alive = psutil.wait_procs(children, timeout=10)
    os.close(terminal)
    assert not alive


def drain(controller):
    """Lit ce qu'écrit le terminal, pour que rien ne s'y bloque."""
    with contextlib.suppress(OSError):
        while os.read(controller, 4096):
            pass


async def test_the_demonstration_ends_with_follow_and_leaves_no_file(
    project, monkeypatch, tmp_path
):
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    follower = Follower(find_step("05"), project)
    before, children = psutil.Process().children(recursive=True), []

    async def remember():
        children.extend(started_since(before))

    opened = until(lambda: follower.demo and psutil.Process(follower.demo.pid).children())
    await driven(follower, "d", opened, remember, "q")
    _, alive = psutil.wait_procs(children, timeout=10)
    assert children and not alive
    assert not [*tmp_path.glob("serveur-*")]
