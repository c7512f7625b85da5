"""Un projet qui garde ses messages a sa base : au serveur, dans les buts, et au diagnostic."""

import shutil
import subprocess
import sys

import pytest
from websockets.sync.client import connect

from workshop.chapters.steps import all_steps, find_step
from workshop.checking.checking import check
from workshop.project.files import has_migrations
from workshop.project.serving import Server
from workshop.system.processes import ServerError, project_environment

MODELS, CONSUMERS = "chat/models.py", "chat/consumers.py"
MESSAGE = """\
from django.db import models


class Message(models.Model):
    text = models.TextField()
"""
SEND = "        await self.channel_layer.group_send("
KEEP = """\
        from .models import Message

        await Message.objects.acreate(text=text_data)
"""


def edit(project, path, old, new):
    text = (project / path).read_text("utf-8")
    assert old in text
    (project / path).write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture
def project(tmp_path):
    """Le chat de l'étape 05, qui garde chaque message."""
    folder = tmp_path / "live"
    shutil.copytree(find_step("05").solution, folder)
    (folder / MODELS).write_text(MESSAGE, "utf-8")
    edit(folder, CONSUMERS, SEND, KEEP + SEND)
    subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "chat", "--verbosity", "0"],
        cwd=folder,
        env=project_environment(),
        check=True,
    )
    return folder


def test_only_a_project_with_migrations_waits_for_them(project):
    assert has_migrations(project)
    assert not any(has_migrations(step.solution) for step in all_steps() if step.number < 9)


def test_the_server_has_its_tables(project):
    with Server(project) as server:
        address = server.url.replace("http", "ws") + "/chat/poneys/"
        with connect(address, origin=server.url, proxy=None) as ws:
            ws.send("Salut les gens !")
            assert ws.recv(timeout=5) == "Bienvenue Anonymous troll !"
            assert ws.recv(timeout=5) == "<Anonymous troll> Salut les gens !"
        assert "Applying" not in server.log


def test_a_migration_that_fails_is_a_sentence(project):
    edit(project, "chat/migrations/0001_initial.py", "operations = [", "operations = [1 / 0,")
    with pytest.raises(ServerError) as error, Server(project):
        pass
    assert "« python manage.py migrate » échoue" in str(error.value)
    assert str(error.value).endswith("ZeroDivisionError: division by zero")
    assert "Traceback" in error.value.log


def test_the_goals_of_the_chat_stay_green(project):
    report = check(find_step("05"), project, sys.executable)
    assert report.passed, [goal for goal in report.goals if goal.state != "passed"]


def test_the_database_is_not_blamed_for_another_mistake(project):
    edit(project, CONSUMERS, "<{self.name}> ", "{self.name}: ")
    report = check(find_step("05"), project, sys.executable)
    assert report.diagnosis.file == CONSUMERS
    assert "base" not in str(report.diagnosis)


@pytest.mark.parametrize(
    ("path", "old", "new", "model"),
    [
        (MODELS, "text =", "name = models.TextField()\n    text =", "Message"),
        (CONSUMERS, "import Message", "import Room as Message", "Room"),
    ],
    ids=["un champ de plus", "un modèle de plus"],
)
def test_a_model_that_changed_without_its_migration_is_named(project, path, old, new, model):
    edit(project, path, old, new)
    if model == "Room":
        text = (project / MODELS).read_text("utf-8")
        (project / MODELS).write_text(f"{text}\n\nclass Room(Message):\n    pass\n", "utf-8")
    diagnosis = check(find_step("05"), project, sys.executable).diagnosis
    assert diagnosis.code == "missing-migration"
    assert "manage.py makemigrations" in diagnosis.cause


def test_a_model_that_never_had_a_migration_is_named(project):
    shutil.rmtree(project / "chat" / "migrations")
    diagnosis = check(find_step("05"), project, sys.executable).diagnosis
    assert diagnosis.code == "missing-migration"
