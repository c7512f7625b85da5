"""Une histoire fausse est vue, et dessinée ; une panne qui n'atteint rien ne compte pas."""

import asyncio
from functools import partial
from xml.etree import ElementTree

import pytest

from workshop.chapters.steps import find_step
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.visitors.checker import (
    Event,
    Fault,
    History,
    RecordedMember,
    draw,
    provoke,
    require_right,
    until_it_bites,
)
from workshop.visitors.persistent import persistent_members

SVG = "{http://www.w3.org/2000/svg}"


def right():
    """Ada et Bob, dans le même salon ; Zoé, dans un autre. Chacun dit une phrase."""
    found = History({"ada": "/foule/", "bob": "/foule/", "zoe": "/calme/"})
    for number, who in enumerate(("ada", "bob"), 1):
        found.events.append(Event(number, who, "says", f"k{number}", text=f"phrase {number}"))
        for other in ("ada", "bob"):
            found.events.append(Event(number + 0.1, other, "reads", f"k{number}", number))
    found.events.append(Event(3, "zoe", "says", "z1", text="seule"))
    found.events.append(Event(3.1, "zoe", "reads", "z1", 1, "seule"))
    return found


def without(history, **wanted):
    return [
        event
        for event in history.events
        if any(getattr(event, name) != value for name, value in wanted.items())
    ]


def lost(history):
    history.events = without(history, who="bob", kind="reads", key="k2")


def twice(history):
    history.events.append(Event(4, "bob", "reads", "k1", 3, "phrase 1"))


def order(history):
    lost(history)
    history.events.append(Event(4, "bob", "reads", "k2", 1))


def disagreement(history):
    history.events = without(history, who="bob", kind="reads")
    history.events += [Event(4, "bob", "reads", "k2", 1), Event(4, "bob", "reads", "k1", 2)]


def foreign(history):
    history.events.append(Event(4, "zoe", "reads", "k1", 2, "phrase 1"))


def invented(history):
    history.events.append(Event(4, "zoe", "reads", "k9", 2, "personne"))


def test_a_right_history_has_no_anomaly():
    assert right().anomalies() == []
    require_right(right())


@pytest.mark.parametrize(
    ("spoil", "kind", "sentence"),
    [
        (lost, "lost", "bob ne lit jamais « phrase 2 », qu'a dit bob."),
        (twice, "twice", "bob lit deux fois « phrase 1 »."),
        (order, "order", "bob lit le numéro 1 après le 1."),
        (disagreement, "order", "bob et ada lisent deux messages au numéro 1."),
        (foreign, "foreign", "zoe lit « phrase 1 », dit dans un autre salon, « /foule/ »."),
        (invented, "invented", "zoe lit « personne », que personne n'a dit."),
    ],
)
def test_each_anomaly_is_seen_and_drawn(spoil, kind, sentence):
    history = right()
    spoil(history)
    assert (kind, sentence) in [(one.kind, one.sentence) for one in history.anomalies()]
    with pytest.raises(AssertionError, match="anomalies dans cette histoire"):
        require_right(history)
    root = ElementTree.fromstring(draw(history, "Fausse"))
    assert {"ada", "bob", "serveur"} & {"".join(one.itertext()) for one in root.iter(f"{SVG}text")}


def test_a_lost_message_is_drawn_as_lost():
    history = right()
    assert draw(history, "Bonne").count('class="lost"') == 0
    lost(history)
    # Une flèche, et les deux traits de sa croix.
    assert draw(history, "Fausse").count('class="lost"') == 3


def test_a_fault_bites_when_something_was_on_the_way():
    history = right()
    history.faults.append(Fault("serveur tué", 1.5, 1.6))
    assert history.bites() == []
    history.faults = [Fault("serveur tué", 1.02, 1.08)]
    history.events.append(Event(1.05, "ada", "cut"))
    assert history.bites() == ["serveur tué : messages retardés, 1 ; connexions perdues, 1."]


async def test_a_fault_that_never_bites_proves_nothing():
    tried = []

    async def attempt():
        tried.append(right())
        tried[-1].faults.append(Fault("serveur tué", 1.5, 1.6))
        return tried[-1]

    with pytest.raises(AssertionError, match="elle ne prouve rien"):
        await until_it_bites(attempt)
    assert len(tried) == 10


class Deaf(RecordedMember):
    """Il ne demande rien de ce qu'il a manqué."""

    async def catch_up(self):
        if self.last is None:
            await super().catch_up()


@pytest.mark.parametrize(
    ("step", "kind", "seen"), [("10", RecordedMember, set()), ("10", Deaf, {"lost"})]
)
async def test_a_real_chat_is_judged(tmp_path, step, kind, seen):
    copy_project(find_step(step).solution, tmp_path / "live")

    async def attempt():
        history = History()
        with Server(tmp_path / "live") as server:
            path = f"/chat/juge-{server.port}/"
            made = partial(kind, history=history)
            async with persistent_members(server.url, path, 4, made) as members:

                async def talk():
                    for number in range(120):
                        await members[number % 4].say(f"phrase {number}")
                        await asyncio.sleep(0.01)

                talking = asyncio.create_task(talk())
                await asyncio.sleep(0.5)
                await provoke(history, "serveur tué", server.restart)
                await talking
                for _ in range(100):
                    await asyncio.sleep(0.1)
                    if all(len(one.read) == 120 and not one.unsent for one in members):
                        break
        return history

    history = await until_it_bites(attempt)
    assert {one.kind for one in history.anomalies()} == seen
    (tmp_path / "histoire.svg").write_text(draw(history, "Une histoire"), "utf-8")
