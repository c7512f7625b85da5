"""Qui a écrit : l'administration le montre, et une personne s'efface, avec ou sans ses messages."""

import contextlib
import json
import subprocess
import sys

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.visitors.knocking import signed_up

READ = """
import json
from django.contrib.auth import get_user_model
from django.test import Client
from chat.models import Message
users = get_user_model().objects
admin = Client(SERVER_NAME="127.0.0.1")
admin.force_login(users.filter(username="admin").first() or users.create_superuser("admin"))
def listed(**asked):
    page = admin.get("/admin/chat/message/", asked).context_data
    return [str(one) for one in page["cl"].result_list]
def rows():
    kept = Message.objects.all()
    return [[one.text, one.name, one.author and one.author.username] for one in kept]
"""


@pytest.fixture
def chat(tmp_path):
    """Le serveur du chat, où personne n'a encore parlé."""
    project = tmp_path / "live"
    copy_project(all_steps()[-1].solution, project)
    with Server(project) as server:
        yield server


@pytest.fixture
def told(chat):
    """Exécute ces lignes dans le projet, et renvoie ce qu'affiche la dernière, lu en JSON."""

    def told(code: str):
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", READ + code]
        ran = subprocess.run(command, cwd=chat.project, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return told


@pytest.fixture
def enter(chat):
    """Fait entrer quelqu'un, salué."""
    with contextlib.ExitStack() as stack:

        def enter(cookie=""):
            opening = connect(
                f"{chat.url.replace('http', 'ws', 1)}/chat/poneys/",
                origin=chat.url,
                subprotocols=["json"],
                additional_headers={"Cookie": cookie} if cookie else {},
                proxy=None,
            )
            ws = stack.enter_context(opening)
            assert json.loads(ws.recv(timeout=10))["type"] == "welcome"
            return ws

        yield enter


def say(ws, text):
    ws.send(json.dumps({"type": "message", "text": text}))
    return json.loads(ws.recv(timeout=10))


def test_who_enters_a_talkative_room_is_greeted_first(chat, enter):
    troll, cookie = enter(), signed_up(chat, "ada").cookie
    for number in range(15):
        for part in range(4):
            troll.send(json.dumps({"type": "message", "text": f"{number}, {part}"}))
        enter(cookie)


def test_the_administration_shows_who_wrote_and_keeps_to_one(chat, told, enter):
    say(enter(signed_up(chat, "ada").cookie), "d'Ada")
    say(enter(), "d'un troll")
    rows, all_of_them, hers, nobody = told("""
ada = users.get(username="ada").pk
found = [rows(), listed(), listed(author__id__exact=ada), listed(author__isnull=True)]
print(json.dumps(found))
""")
    assert rows == [["d'Ada", "ada", "ada"], ["d'un troll", "Anonymous troll", None]]
    assert len(all_of_them) == 2
    assert [line.split("> ")[1] for line in hers] == ["d'Ada"]
    assert [line.split("> ")[1] for line in nobody] == ["d'un troll"]


def test_a_person_erased_leaves_her_messages_and_says_no_more(chat, told, enter):
    ada = enter(signed_up(chat, "ada").cookie)
    say(ada, "avant")
    assert told("""
users.get(username="ada").delete()
print(json.dumps(rows()))
""") == [["avant", "ada", None]]
    ada.send(json.dumps({"type": "message", "text": "après"}))
    with pytest.raises(ConnectionClosed):
        # Un refus, peut-être, puis l'adieu.
        for _ in range(2):
            ada.recv(timeout=10)
    say(enter(), "toujours là")
    kept = told("print(json.dumps(rows()))")
    assert [text for text, *_ in kept] == ["avant", "toujours là"]


def test_a_person_erased_takes_nobody_along(chat, told, enter):
    ada, trolls = enter(signed_up(chat, "ada").cookie), [enter() for _ in range(6)]
    told("""
users.get(username="ada").delete()
print("null")
""")
    # Ce qui arrive pendant que le premier se garde vient ensemble.
    said = [f"de {rank}" for rank in range(6)]
    for ws, text in zip([trolls[0], ada, *trolls[1:]], [said[0], "d'Ada", *said[1:]], strict=True):
        ws.send(json.dumps({"type": "message", "text": text}))
    for ws in trolls:
        assert {json.loads(ws.recv(timeout=10))["text"] for _ in said} == {*said}
    assert {text for text, *_ in told("print(json.dumps(rows()))")} == {*said}
