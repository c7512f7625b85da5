"""Des histoires entières, jugées après coup : ce que chacun a dit, ce que chacun a lu, et quand.

À la manière de Maelstrom (https://github.com/jepsen-io/maelstrom) : un chat tient parole si chaque
message dit est lu de tous ceux du salon, une fois, dans le même ordre. Une panne ne compte que si
elle a mordu : quelque chose était en route quand elle est venue.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from workshop.drawing.messages import Arrow, messages
from workshop.visitors.persistent import PersistentMember

# Ce qui n'a pas mordu se recommence, mais pas sans fin.
MOST_TRIES = 10


@dataclass(frozen=True)
class Event:
    """Ce qui arrive à quelqu'un : il dit, redit, lit un message, ou perd sa connexion.

    `kind` vaut « says », « repeats », « reads », « cut » ; `at` est en secondes.
    """

    at: float
    who: str
    kind: str
    key: str = ""
    number: int = 0
    text: str = ""


@dataclass(frozen=True)
class Fault:
    """Une panne que l'on a provoquée, de `began` à `ended`, en secondes."""

    name: str
    began: float
    ended: float


@dataclass(frozen=True)
class Anomaly:
    """Ce qui est faux dans une histoire : une phrase, et les messages et les gens qu'elle nomme."""

    kind: str
    sentence: str
    keys: tuple[str, ...]
    people: tuple[str, ...]


@dataclass
class History:
    """Tout ce qui est arrivé dans une course, par salon. `rooms` : le salon de chacun."""

    rooms: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def note(self, who: str, kind: str, message: dict | None = None) -> None:
        """Note ce qui vient d'arriver à quelqu'un."""
        message = message or {}
        found = {name: message.get(name) for name in ("key", "number", "text")}
        known = {name: value for name, value in found.items() if value is not None}
        self.events.append(Event(time.monotonic(), who, kind, **known))

    def of(self, *kinds: str) -> list[Event]:
        """Renvoie ce qui est d'une de ces sortes, dans l'ordre."""
        return [event for event in self.events if event.kind in kinds]

    def bites(self) -> list[str]:
        """Renvoie, par panne, ce qu'elle a atteint ; une panne qui n'a rien atteint n'y est pas.

        Ce qu'elle a atteint : un message dit avant qu'elle ne finisse, et que l'un de ceux du salon
        n'a lu qu'après.
        """
        said, found = {event.key: event.at for event in self.of("says")}, []
        for fault in self.faults:
            crossed = {
                event.key
                for event in self.of("reads")
                if event.at > fault.ended and said.get(event.key, fault.ended) < fault.ended
            }
            cut = [event for event in self.of("cut") if event.at > fault.began]
            if crossed:
                found.append(
                    f"{fault.name} : messages retardés, {len(crossed)} ; connexions perdues, "
                    f"{len(cut)}."
                )
        return found

    def anomalies(self) -> list[Anomaly]:
        """Renvoie tout ce qui est faux dans cette histoire ; rien, si elle est bonne."""
        said = {event.key: event for event in self.of("says")}
        read = defaultdict(list)
        for event in self.of("reads"):
            read[event.who].append(event)
        found = []
        for who, room in self.rooms.items():
            found += self._of_reader(who, room, said, read[who])
        return found + self._disagreements(read)

    def _of_reader(self, who, room, said, read) -> list[Anomaly]:
        """Renvoie ce qui est faux dans ce qu'une personne a lu."""

        def wrong(kind, sentence, *keys):
            return Anomaly(kind, f"{who} {sentence}", keys, (who,))

        found, seen, last = [], set(), 0
        for event in read:
            origin = said.get(event.key)
            if not origin:
                found.append(wrong("invented", f"lit « {event.text} », que personne n'a dit."))
            elif self.rooms[origin.who] != room:
                other = self.rooms[origin.who]
                sentence = f"lit « {event.text} », dit dans un autre salon, « {other} »."
                found.append(wrong("foreign", sentence, event.key))
            if event.key in seen:
                found.append(wrong("twice", f"lit deux fois « {event.text} ».", event.key))
            elif event.number <= last:
                sentence = f"lit le numéro {event.number} après le {last}."
                found.append(wrong("order", sentence, event.key))
            seen.add(event.key)
            last = max(last, event.number)
        for key, event in said.items():
            if self.rooms[event.who] == room and key not in seen:
                sentence = f"ne lit jamais « {event.text} », qu'a dit {event.who}."
                found.append(wrong("lost", sentence, key))
        return found

    def _disagreements(self, read) -> list[Anomaly]:
        """Renvoie les numéros où deux personnes d'un salon n'ont pas lu la même chose."""
        found, agreed = [], {}
        for who, events in read.items():
            for event in events:
                place = (self.rooms[who], event.number)
                key, other = agreed.setdefault(place, (event.key, who))
                if key != event.key:
                    sentence = f"{who} et {other} lisent deux messages au numéro {event.number}."
                    found.append(Anomaly("order", sentence, (key, event.key), (who, other)))
        return found


class RecordedMember(PersistentMember):
    """Quelqu'un qui suit un salon comme la page, et dont on note l'histoire."""

    def __init__(self, url: str, path: str, name: str, history: History):
        super().__init__(url, path, name)
        self.history, self.noted = history, 0
        history.rooms[name] = path

    async def say(self, text: str) -> None:
        """Dit une phrase ; la note d'abord, pour qu'elle soit dite avant d'être lue."""
        message = self.compose(text)
        self.history.note(self.name, "says", message)
        await self.send(message)

    async def repeat(self) -> None:
        for message in self.unsent.values():
            self.history.note(self.name, "repeats", message)
        await super().repeat()

    async def receive(self, frame: dict) -> None:
        await super().receive(frame)
        for message in self.read[self.noted :]:
            self.history.note(self.name, "reads", message)
        self.noted = len(self.read)

    def lost_connection(self) -> None:
        self.history.note(self.name, "cut")


async def until_it_bites(attempt: Callable[[], Awaitable[History]]) -> History:
    """Recommence une course jusqu'à ce que chacune de ses pannes morde ; renvoie son histoire.

    Une histoire fausse est renvoyée aussitôt. Lève AssertionError après dix courses pour rien.
    """
    for _ in range(MOST_TRIES):
        history = await attempt()
        if history.anomalies() or len(history.bites()) == len(history.faults):
            return history
    raise AssertionError(
        f"En {MOST_TRIES} courses, la panne n'a jamais rien atteint : elle ne prouve rien."
    )


async def provoke(history: History, name: str, fault: Callable[[], object]) -> None:
    """Provoque une panne, dans un fil à part, et note quand elle a commencé et fini."""
    began = time.monotonic()
    await asyncio.to_thread(fault)
    history.faults.append(Fault(name, began, time.monotonic()))


def require_right(history: History) -> None:
    """Lève AssertionError, avec les premières phrases, si une histoire est fausse."""
    found = history.anomalies()
    if found:
        first = " ".join(anomaly.sentence for anomaly in found[:3])
        raise AssertionError(f"{len(found)} anomalies dans cette histoire. {first}")


def draw(history: History, title: str, most_people: int = 4, most_messages: int = 5) -> str:
    """Dessine une histoire : autour de sa première anomalie, ou de sa première panne."""
    found = history.anomalies()
    first = {}
    for event in history.of("reads"):
        first.setdefault(event.key, event)
    said = {event.key: event for event in history.of("says")}
    keys, people = _worth_drawing(history, found, [*said])
    keys, people = keys[:most_messages], people[:most_people]
    numbers = {key: str(rank) for rank, key in enumerate(sorted(keys, key=lambda k: said[k].at), 1)}
    moments = sorted(
        (
            event
            for event in history.of("says", "repeats", "reads")
            if event.key in numbers and event.who in people
        ),
        key=lambda event: event.at,
    )
    began = moments[0].at if moments else 0
    edges = [at for fault in history.faults for at in (fault.began, fault.ended)]
    server, times, arrows, bands = "serveur", [], [], {}
    kept: dict[str, int] = {}

    def row(at: float) -> int:
        while edges and edges[0] <= at:
            times.append(f"{1000 * (edges.pop(0) - began):.0f} ms")
            rank = len(times) - 1
            if len(edges) % 2:
                bands[rank] = (history.faults[len(bands)].name, rank)
            else:
                first = max(bands)
                bands[first] = (bands[first][0], rank)
        times.append(f"{1000 * (at - began):.0f} ms")
        return len(times) - 1

    for event in moments:
        number = numbers[event.key]
        if event.kind != "reads":
            rank = row(event.at)
            arrows.append(Arrow(event.who, server, rank, rank + 1, number))
        elif event.key in kept:
            arrows.append(Arrow(server, event.who, kept[event.key], row(event.at)))
        else:
            # Le serveur avait le message un instant avant que le premier ne le lise.
            kept[event.key] = row(event.at)
            arrows.append(Arrow(server, event.who, kept[event.key], row(event.at), number))
    # Dit avant la fin d'une panne et redit après : la première fois s'est perdue.
    for _, ended in bands.values():
        after = {one.label for one in arrows if one.target == server and one.begins > ended}
        arrows = [
            replace(one, lost=True)
            if one.target == server and one.begins < ended and one.label in after
            else one
            for one in arrows
        ]
    for anomaly in found:
        if anomaly.kind == "lost" and anomaly.keys[0] in kept and anomaly.people[0] in people:
            rank = kept[anomaly.keys[0]]
            arrows.append(Arrow(server, anomaly.people[0], rank, rank, lost=True))
    middle = len(people) // 2
    named = [(name, first, last) for first, (name, last) in bands.items()]
    return messages(title, [*people[:middle], server, *people[middle:]], arrows, times, named)


def _worth_drawing(history, found, said) -> tuple[list[str], list[str]]:
    """Renvoie les messages et les gens qui comptent : d'une anomalie, ou en route à une panne."""
    speakers = {event.key: event.who for event in history.of("says")}
    if found:
        keys = [key for key in found[0].keys if key in speakers]
        at = said.index(keys[0]) if keys else 0
        keys += [key for key in said[max(0, at - 2) : at + 2] if key not in keys]
        people = [*found[0].people, *(speakers[key] for key in keys)]
    else:
        repeated = [event.key for event in history.of("repeats")]
        keys = [*dict.fromkeys([*repeated[:2], *said[-2:], *said])]
        people = [speakers[key] for key in keys]
    return keys, [*dict.fromkeys([*people, *history.rooms])]
