"""Chaque étape est rouge sur la précédente, verte sur la sienne et sur toutes celles qui suivent.

La voix de l'étape 06 demande un navigateur : voir test_console.py. Ici, elle est « déjà entendue ».
"""

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from workshop.basics import ROOT
from workshop.chapters.steps import all_steps
from workshop.checking import checking
from workshop.checking.checking import IN_A_BROWSER, check
from workshop.project.serving import Server

STEPS = all_steps()
# Celle qui juge une suite de tests, sur trente chats.
SUITE = 13


@pytest.fixture(autouse=True)
def already_heard(monkeypatch):
    monkeypatch.setattr(checking, "was_heard", lambda console: True)


def show(value):
    return value.slug


def pytest_generate_tests(metafunc):
    if metafunc.function is test_green_from_its_own_solution_on:
        pairs = green_pairs(all_of_them=metafunc.config.getoption("tout"))
        metafunc.parametrize(("step", "later"), pairs, ids=show)


def green_pairs(all_of_them):
    """Chaque étape, jugée sur sa solution et sur toutes celles qui suivent.

    Le robot arrive à ces mêmes solutions, et y lance « verifier », qui juge aussi les étapes
    d'avant : sans `--tout`, il ne reste ici que ce qui ne demande ni navigateur, ni suite.
    """
    return [
        (step, later)
        for step in STEPS
        for later in STEPS[STEPS.index(step) :]
        if all_of_them or (step is later and step.number not in (*IN_A_BROWSER, SUITE))
    ]


def bytes_and_dates(project):
    return {
        path: (path.is_file() and path.read_bytes(), path.stat().st_mtime_ns)
        for path in project.rglob("*")
    }


def judged(step, project):
    """Ce que donne une étape sur un projet, où elle n'a rien écrit."""
    before = bytes_and_dates(project)
    report = check(step, project, sys.executable)
    assert bytes_and_dates(project) == before
    return report


def test_green_from_its_own_solution_on(step, later):
    report = judged(step, later.solution)
    assert report.passed, [goal for goal in report.goals if goal.state != "passed"]


@pytest.mark.parametrize(("before", "step"), list(pairwise(STEPS)), ids=show)
def test_red_on_the_step_before(before, step):
    report = judged(step, before.solution)
    states = [goal.state for goal in report.goals]
    assert report.passed is False
    assert states.count("failed") == 1
    failed = states.index("failed")
    assert set(states[:failed]) <= {"passed"}
    assert set(states[failed + 1 :]) <= {"waiting"}
    assert report.goals[failed].reason.endswith(".")


def test_first_step_is_red_on_an_empty_folder(tmp_path):
    report = check(STEPS[0], tmp_path, python="")
    assert [goal.state for goal in report.goals] == ["failed", "waiting", "waiting"]


@pytest.mark.parametrize("step", STEPS, ids=show)
def test_each_goal_has_its_hints(step, tmp_path):
    goals = [goal.text for goal in check(step, tmp_path, python="").goals]
    hints = step.headings("h3")
    assert hints[-len(goals) :] == goals


EQUIVALENT = {
    "slug": (
        "chat/routing.py",
        """
from django.urls import path
from .consumers import ChatConsumer
websocket_urlpatterns = [path("chat/<slug:room>/", ChatConsumer.as_asgi())]
""",
    ),
    "synchrone": (
        "chat/consumers.py",
        """
from asgiref.sync import async_to_sync
from channels.generic.websocket import WebsocketConsumer

class ChatConsumer(WebsocketConsumer):
    def connect(self):
        user = self.scope["user"]
        self.nom = (user.get_full_name() or user.username) if user.pk else "Anonymous troll"
        self.salon = self.scope["url_route"]["kwargs"]["room"]
        async_to_sync(self.channel_layer.group_add)(self.salon, self.channel_name)
        self.accept()
        self.send(text_data=f"Bienvenue {self.nom} !")

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.salon, self.channel_name)

    def receive(self, text_data):
        event = {"type": "phrase", "phrase": f"<{self.nom}> {text_data}"}
        async_to_sync(self.channel_layer.group_send)(self.salon, event)

    def phrase(self, event):
        self.send(event["phrase"])
""",
    ),
}


@pytest.mark.parametrize("name", EQUIVALENT)
def test_another_way_of_writing_it_passes(name, tmp_path):
    project = tmp_path / "live"
    shutil.copytree(STEPS[4].solution, project)
    path, code = EQUIVALENT[name]
    (project / path).write_text(code, "utf-8")
    report = check(STEPS[4], project, sys.executable)
    assert report.passed, [goal for goal in report.goals if goal.state != "passed"]


CONSUMERS, SETTINGS, ROUTING = "chat/consumers.py", "live/settings.py", "chat/routing.py"
ROOM = ' + self.scope["url_route"]["kwargs"]["room"]'
SENDS = "await self.channel_layer.group_send"
BROKEN = {
    "await oublié": (
        CONSUMERS,
        "await self.channel_layer.group_add",
        "self.channel_layer.group_add",
    ),
    "tout le monde entend": (CONSUMERS, ROOM, ""),
    "pas de chevrons": (CONSUMERS, "<{self.name}> ", "{self.name}: "),
    "texte vide perdu": (CONSUMERS, SENDS, f"if text_data:\n            {SENDS}"),
    "identifiant oublié": (CONSUMERS, " or user.get_username()", ""),
    "réglages cassés": (SETTINGS, "INSTALLED_APPS = [", "INSTALLED_APPS = ['nulle_part',"),
    "erreur de syntaxe": (CONSUMERS, "class ChatConsumer", "classe ChatConsumer"),
    "daphne oublié": (SETTINGS, "    'daphne',\n", ""),
    "salon sans fin": (ROUTING, "[-a-zA-Z0-9_]{1,90})/$", ".*)$"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_chat_is_red(name, tmp_path):
    project = tmp_path / "live"
    shutil.copytree(STEPS[4].solution, project)
    path, good, bad = BROKEN[name]
    text = (project / path).read_text("utf-8")
    assert good in text
    (project / path).write_text(text.replace(good, bad), "utf-8")
    report = check(STEPS[4], project, sys.executable)
    assert report.passed is False
    assert [goal.state for goal in report.goals].count("failed") == 1


@pytest.mark.parametrize(
    ("path", "good", "bad", "reason"),
    [
        (CONSUMERS, "await self.accept()", "while True: pass", "ne rend pas la main"),
        (CONSUMERS, "class Chat", "while True: pass\nclass Chat", "ne rend pas la main"),
        (CONSUMERS, "await self.accept()", "import os; os._exit(3)", "mis fin"),
        (SETTINGS, "USE_TZ = True", "raise SystemExit('stop')", "SystemExit"),
    ],
    ids=["dans connect", "à l'import", "os._exit", "SystemExit"],
)
def test_a_project_that_never_answers_is_red(path, good, bad, reason, tmp_path):
    project = tmp_path / "live"
    shutil.copytree(STEPS[4].solution, project)
    text = (project / path).read_text("utf-8")
    (project / path).write_text(text.replace(good, bad), "utf-8")
    report = check(STEPS[4], project, sys.executable)
    assert report.goals[0].state == "failed"
    assert reason in report.goals[0].reason


@pytest.mark.parametrize("step", STEPS, ids=show)
def test_learner_and_workshop_pin_the_same_versions(step):
    ours = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    theirs = (step.solution / "requirements.txt").read_text("utf-8").split()
    assert theirs and set(theirs) <= set(ours)


@pytest.mark.parametrize("later", STEPS[4:], ids=show)
def test_what_is_no_room_is_refused_without_a_trace(later, tmp_path):
    project = tmp_path / "live"
    shutil.copytree(later.solution, project)
    with Server(project) as server:
        for path in ("/chat/", "/chat/4chan-b", "/autre/", "/chat/été/", f"/chat/{'a' * 91}/"):
            address = server.url.replace("http", "ws") + quote(path)
            with pytest.raises(InvalidStatus) as refusal:
                connect(address, origin=server.url, proxy=None)
            assert refusal.value.response.status_code == 403
        assert server.log.count("WebSocket REJECT") == 5
        assert "Traceback" not in server.log


def test_a_temporary_folder_with_two_names_changes_nothing(tmp_path):
    """Sous macOS, /var est un lien ; sous Windows, un nom court désigne le même dossier."""
    link = tmp_path / "lien"
    (tmp_path / "dossier").mkdir()
    try:
        link.symlink_to(tmp_path / "dossier", target_is_directory=True)
    except OSError as error:
        pytest.skip(f"pas de lien sur cette machine : {error}")
    code = (
        "import sys; from workshop.checking.checking import check;"
        "from workshop.chapters.steps import find_step; step = find_step('09');"
        "report = check(step, step.solution, sys.executable, goal='test_numbers');"
        "print(report.red or len(report.goals))"
    )
    environment = os.environ | {"TMPDIR": str(link), "TEMP": str(link)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stdout + done.stderr
