"""Dans une salle, `suivre` dit où l'on en est ; sans elle, ou sans tableau, il vérifie pareil."""

import asyncio
import json
import time

import pytest

from tests.following.test_watching import RED, driven, report, until
from tests.room.serving import running_board, viewing
from workshop.chapters.steps import all_steps, find_step
from workshop.commands.learning import rejoindre
from workshop.following import watching
from workshop.following.presence import Presence
from workshop.following.screen import View, screen, text
from workshop.following.watching import Follower
from workshop.room import membership
from workshop.room.membership import caught_up, join, room_address
from workshop.system import memory

pytestmark = pytest.mark.usefixtures("own_progress")
NOWHERE = "http://127.0.0.1:9/salle/"


@pytest.fixture(scope="module")
def board():
    with running_board() as running:
        yield running


@pytest.fixture
def project(tmp_path):
    """Un projet vide, à part de ce que l'atelier retient."""
    (tmp_path / "live").mkdir()
    return tmp_path / "live"


@pytest.fixture
def judges(monkeypatch):
    """Ce que donne chaque vérification, à la place d'un vrai juge."""
    verdicts = [report("passed", "failed", "waiting", diagnosis=RED)]

    class Idle:
        def __init__(self, step):
            self.step = step

        def stop(self):
            """Il ne fait rien."""

    monkeypatch.setattr(watching, "Judge", Idle)
    monkeypatch.setattr(watching, "check", lambda *_, **__: verdicts[-1])
    monkeypatch.setattr(watching, "with_acquired", lambda found, *_: found)
    monkeypatch.setattr(watching.nursed, "start", lambda python: None)
    return verdicts


async def test_what_is_verified_reaches_the_board_and_two_keys_speak_to_it(board, judges, project):
    join(board.room, "Ada", "05-consumers", frozenset())
    follower = Follower(find_step("05"), project)
    view, notes, lines = follower.view, [], []

    async def look():
        notes.append(view.note)
        lines.append(view.room)

    async with viewing(board) as viewer:
        await driven(
            follower,
            until(lambda: viewer.named("Ada") and viewer.named("Ada")["red"]),
            until(lambda: "(à jour)" in view.room),
            *("b", until(lambda: viewer.named("Ada")["stuck"]), look),
            *("b", until(lambda: not viewer.named("Ada")["stuck"]), look),
            *("x", until(lambda: not viewer.named("Ada")), look),
            *("b", until(lambda: "prévient" in view.note), look),
            *("x", until(lambda: "aucune salle" in view.note), look, "q"),
        )
    assert "quelqu'un vient" in notes[0]
    assert "je ne suis plus bloqué" in lines[0] and "« Ada »" in lines[0]
    assert "quitté la salle" in notes[2] and lines[2] == ""
    assert "aucune" in notes[3] and "aucune" in notes[4]
    assert membership.membership() is None


async def test_joining_is_seen_while_following_and_stopping_is_not_leaving(board, judges, project):
    follower = Follower(find_step("05"), project)

    async def come():
        assert follower.view.room == ""
        await asyncio.to_thread(join, board.room, "Blaise", "05-consumers", frozenset())

    async with viewing(board) as viewer:
        await driven(
            follower,
            until(lambda: follower.view.report),
            come,
            until(lambda: viewer.named("Blaise")),
            "v",
            until(lambda: viewer.named("Blaise")["verdicts"] == 1),
            "q",
        )
        await viewer.until(lambda: viewer.named("Blaise")["state"] == "silent")
        again = Presence(lambda: None)
        again.look()
        await viewer.until(lambda: viewer.named("Blaise")["state"] == "red")
        assert again.member.story.verdicts == 1
        again.leave()


@pytest.mark.parametrize("url", [NOWHERE, "http://192.0.2.1:8100/salle-aaaaaa/"])
async def test_without_a_board_nothing_changes(judges, project, url):
    join(url, "Ada", "05-consumers", frozenset())
    follower = Follower(find_step("05"), project)
    began = time.monotonic()
    await driven(
        follower,
        until(lambda: follower.view.report and not follower.view.checking),
        *("b", "q"),
    )
    assert follower.view.report.red
    assert follower.view.room.startswith("Salle")
    assert time.monotonic() - began < 8


async def test_a_silent_wire_slows_nothing_down(board, judges, project):
    """Le fil est tenu, et rien n'y passe : le pire des réseaux."""
    held = []

    async def hold(reader, writer):
        held.append(writer)
        await reader.read()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    join(f"http://127.0.0.1:{port}/salle/", "Ada", "05-consumers", frozenset())
    follower = Follower(find_step("05"), project)
    began = time.monotonic()
    await driven(
        follower,
        until(lambda: held and follower.view.report and not follower.view.checking),
        *("v", until(lambda: not follower.view.checking), "b", "x", "q"),
    )
    assert time.monotonic() - began < 10
    server.close()
    for writer in held:
        writer.transport.abort()


def test_a_place_that_cannot_be_written_stops_nothing(judges, project, monkeypatch):
    join(NOWHERE, "Ada", "05-consumers", frozenset())
    follower = Follower(find_step("05"), project)

    def refuse(*_):
        raise PermissionError(13, "interdit")

    monkeypatch.setattr(membership, "keep", refuse)
    follower.tell_the_room(follower.presence.judged, judges[0])
    follower.stop()


@pytest.mark.parametrize("kept", ["{", "[]", '"salle"', "{}", '{"day": "2020-01-01"}'])
def test_a_spoiled_or_old_place_is_no_place(kept):
    memory.keep("room", kept)
    assert membership.membership() is None


def test_a_place_lasts_until_the_evening():
    join(NOWHERE, "Ada", "05-consumers", frozenset())
    kept = json.loads(memory.kept("room"))
    assert membership.membership().name == "Ada"
    memory.keep("room", json.dumps(kept | {"day": "2020-01-01"}))
    assert membership.membership() is None


def test_catching_up_and_going_back_are_kept_for_the_board():
    caught_up("06-console")
    assert membership.membership() is None
    join(NOWHERE, "Ada", "04-routing", frozenset())
    caught_up("06-console")
    story = membership.membership().story
    assert story.caught == story.step == "06-console"
    caught_up("")
    assert membership.membership().story.caught == ""


def test_who_comes_back_under_another_name_is_the_same_person():
    first = join(NOWHERE, "Ada", "04-routing", frozenset())
    second = join(NOWHERE, "Ada Lovelace", "05-consumers", frozenset())
    assert (first.token, second.name) == (second.token, "Ada Lovelace")
    other = join("http://127.0.0.1:10/salle/", "Ada", "05-consumers", frozenset())
    assert other.token != first.token
    assert other.story.before == [step.slug for step in all_steps() if step.number < 5]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("http://127.0.0.1:8100/salle/", "http://127.0.0.1:8100/salle/"),
        ("192.168.1.20:8100/salle-k7m2p9", "http://192.168.1.20:8100/salle-k7m2p9/"),
        ("  « http://192.168.1.20:8100/salle-k7m2p9/ ».", "http://192.168.1.20:8100/salle-k7m2p9/"),
        ("http://localhost:8100/salle/", "http://127.0.0.1:8100/salle/"),
        ("http://[::1]:8100/salle/", "http://[::1]:8100/salle/"),
    ],
)
def test_an_address_is_read_as_it_is_typed(typed, read):
    assert room_address(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        *("", "bonjour", "https://127.0.0.1:8100/salle/", "http://127.0.0.1:8100/tableau/"),
        *("http://127.0.0.1:99999/salle/", "http://[::1/salle/", "ftp://a/salle/"),
        *("http://127.0.0.1:8100/salle/../tableau/", "file:///salle/"),
    ],
)
def test_another_address_is_a_sentence(typed):
    with pytest.raises(Exception, match="n'est pas l'adresse d'une salle"):
        room_address(typed)


def test_joining_asks_the_board_at_once(board):
    from click.testing import CliRunner

    memory.keep("step", "05-consumers")
    done = CliRunner().invoke(rejoindre, [board.room, "--nom", "  Zoé\u202e "])
    assert done.exit_code == 0, done.output
    assert "sous le nom « Zoé »" in done.output
    refused = CliRunner().invoke(rejoindre, [NOWHERE, "--nom", "Zoé"])
    assert "n'a pas répondu" in str(refused.exception)
    assert membership.membership() is None
    assert "au moins une lettre" in str(
        CliRunner().invoke(rejoindre, [board.room, "--nom", "…"]).exception
    )


def test_the_screen_says_that_one_is_in_a_room():
    room = "Salle : vous y êtes « Ada » (à jour) · b je suis bloqué · x quitter la salle"
    view = View(find_step("05"), report("passed", "passed", "passed"), room=room)
    assert room in text(screen(view), 80, color=False)
    assert "Salle" not in text(screen(View(find_step("05"))), 80, color=False)
