"""Les commandes, comme on les tape : codes de sortie, JSON, et une phrase pour chaque erreur."""

import json
import os
import shutil
import subprocess
import sys
import time

import psutil
import pytest

from workshop.basics import ROOT
from workshop.chapters.steps import find_step
from workshop.checking.checking import LISTEN_SECONDS, Goal, Report, current_step
from workshop.commands.learning import countdown
from workshop.system import memory
from workshop.system.memory import keep


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "workshop", *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=90,
    )


def test_the_help_names_the_commands():
    done = run("--aide")
    assert done.returncode == 0
    for command in ("suivre", "verifier", "indice", "solution", "rattraper", "demo", "construire"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("number", "solution", "code", "passed"),
    [
        ("5", "05-consumers", 0, True),
        ("05-consumers", "04-routing", 1, False),
        ("06", "06-console", 2, None),
    ],
)
def test_verifier_in_json(number, solution, code, passed):
    done = run("vérifier", number, "--projet", f"solutions/{solution}", "--json")
    assert done.returncode == code
    report = json.loads(done.stdout)
    assert report["step"] == find_step(number).slug
    assert report["passed"] is passed
    diagnosis = report["diagnosis"]
    assert (diagnosis is not None) == (passed is False)
    assert not diagnosis or diagnosis.keys() == {"code", "observed", "cause", "file", "line"}
    assert all(goal.keys() == {"id", "text", "state", "reason"} for goal in report["goals"])
    states = {goal["state"] for goal in report["goals"]}
    assert (
        states
        == {
            True: {"passed"},
            False: {"failed", "waiting"},
            None: {"passed", "skipped"},
        }[passed]
    )


def test_verifier_for_people():
    done = run("verifier", "5", "--projet", "solutions/04-routing")
    assert done.returncode == 1
    assert "✘ Qui arrive entend `Bienvenue Anonymous troll !`" in done.stdout
    assert done.stdout.count("(en attente)") == 8
    assert "Ce n'est pas encore écrit" in done.stdout
    assert "indice 05" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "03"], "à partir de l'étape 05"),
        (["demo", "42"], "Il n'y a pas d'étape « 42 »"),
        (["demo", "--prot", "1"], "L'option --prot n'existe pas."),
        (["demo", "--port", "mille"], "La valeur donnée à --port ne convient pas : voyez"),
        (["emporter"], "Il manque DOSSIER."),
        (["danser"], "La commande « danser » n'existe pas."),
        (["verifier", "01", "--projet", "nulle-part"], "n'existe pas"),
        (["verifier", "01", "02"], "Je ne comprends pas"),
    ],
)
def test_a_wrong_command_is_a_sentence(arguments, sentence):
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr.replace("\u00a0", " ")
    assert "Traceback" not in done.stderr


def test_the_current_step_is_the_one_kept_or_the_first_that_is_not_green(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "PROGRESS", tmp_path)
    project = find_step("02").solution
    assert current_step(project, sys.executable).slug == "03-settings"
    keep("step", "05-consumers")
    assert current_step(project, sys.executable).slug == "05-consumers"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL n'existe pas sous Windows")
def test_a_killed_check_leaves_no_process(tmp_path):
    project = tmp_path / "live"
    shutil.copytree(find_step("05").solution, project)
    (project / "chat" / "consumers.py").write_text("while True:\n    pass\n", "utf-8")
    check = psutil.Popen(
        [sys.executable, "-m", "workshop", "verifier", "05", "--projet", str(project)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not check.children(recursive=True) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1)
    children = check.children(recursive=True)
    check.kill()
    check.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert children and not alive


def test_the_countdown_starts_with_the_listening_and_stops_at_zero():
    said = []
    progress = countdown(said.append)
    waiting, passed = (Goal("file", "", state, None) for state in ("waiting", "passed"))
    report = Report("06-console")
    progress(report, 0.1)
    report.goals = [waiting]
    progress(report, 3)
    assert said == []
    report.goals = [passed]
    for seconds in (4, 4 + LISTEN_SECONDS / 2, 4 + LISTEN_SECONDS, 8 + LISTEN_SECONDS):
        progress(report, seconds)
    beginnings = ["Encore 120 s", "Encore 60 s", "Encore 0 s", "Je n'ai pas entendu la phrase"]
    assert [words.replace("\u00a0", " ").split(" :")[0] for words in said] == beginnings
