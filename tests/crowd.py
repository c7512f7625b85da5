"""Une salle entière devant un seul tableau : combien de temps d'un enregistrement à la page ?

`python -m tests.crowd [SECONDES [PERSONNES]]`. Chaque personne a un résultat toutes les deux
secondes ; au milieu, le tableau est tué, puis relancé. Les délais ne valent que sur une machine qui
ne fait rien d'autre.
"""

import asyncio
import contextlib
import random
import sys
import time
from dataclasses import dataclass

import psutil

from tests.room.serving import RunningBoard, Viewer, member, running_board, viewing
from workshop.chapters.steps import all_steps
from workshop.room.reporter import Reporter

PERIOD = 2
CODES = ("coroutine-not-awaited", "missing-sign", "misspelt", "other-group")


@dataclass
class Measure:
    """Des délais en millisecondes, de l'enregistrement à la page ; `lost` compte les résultats.

    Ceux du temps que le tableau est mort ne comptent pas ; `back` est celui que la salle met
    ensuite à revenir, en secondes.

    `results` sont les enregistrements, `timed` ceux dont on a le délai : de deux trop proches, la
    page ne montre que le second. Les mémoires sont celles du tableau, en mégaoctets : une fois la
    salle entrée, à la mort du tableau, après son retour, à la fin.
    """

    people: int
    results: int
    timed: int
    median: float
    p99: float
    longest: float
    back: float
    lost: int
    wrong: list[str]
    memory: list[int]
    cpu: float


class Person:
    """Quelqu'un dont `suivre` parle au tableau, avec le vrai client."""

    def __init__(self, url: str, rank: int):
        self.random = random.Random(rank)
        self.steps = [step.slug for step in all_steps()]
        self.member = member(url, f"Personne {rank}", self.steps[rank % 6])
        self.reporter = Reporter(url)
        self.saved: dict[int, float] = {}

    async def live(self, end: asyncio.Event) -> None:
        """Enregistre toutes les deux secondes, jusqu'à la fin, puis attend d'avoir été entendu."""
        self.talking = asyncio.create_task(self.reporter.run())
        pause = self.random.uniform(0, PERIOD)
        while not end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(end.wait(), pause)
                break
            self.save()
            pause = PERIOD

    def save(self) -> None:
        story, now = self.member.story, time.time()
        if self.random.random() < 0.05 and story.step != self.steps[-1]:
            story.judge(story.step, "ppppp", "", "", True, now)
            story.begin(self.steps[self.steps.index(story.step) + 1], now)
        else:
            code = self.random.choice(CODES)
            story.judge(story.step, "ppfww", "test_echo", code, False, now)
        self.saved[story.verdicts] = time.monotonic()
        self.reporter.tell(self.member.frame)

    async def leave(self) -> None:
        self.reporter.stop()
        await asyncio.wait_for(self.talking, 15)


async def measure(board: RunningBoard, seconds: float, number: int) -> Measure:
    """Mesure une salle, son tableau tué au milieu."""
    people = [Person(board.room, rank) for rank in range(number)]
    memory, spent = [], 0.0

    def look() -> None:
        nonlocal spent
        process = psutil.Process(board.process.pid)
        memory.append(process.memory_info().rss // 1_000_000)
        spent += sum(process.cpu_times()[:2])

    async with viewing(board) as viewer:
        end = asyncio.Event()
        lives = [asyncio.create_task(one.live(end)) for one in people]
        await viewer.until(lambda: len(viewer.rows) == number, 60)
        look()
        entered, spent = time.monotonic(), 0
        await asyncio.sleep(seconds / 2)
        look()
        killed, life = time.monotonic(), viewer.life
        await asyncio.to_thread(board.kill)
        await asyncio.to_thread(board.start)
        reborn = time.monotonic()
        # Tout le monde est revenu quand la page du nouveau tableau montre toutes les lignes.
        await viewer.until(lambda: viewer.life != life and len(viewer.rows) == number, 60)
        back = time.monotonic()
        look()
        await asyncio.sleep(seconds / 2)
        end.set()
        await asyncio.gather(*lives)
        ended = time.monotonic()
        await viewer.until(lambda: not wrong(people, viewer), 60)
        look()
        delays = sorted(
            1000 * (shown - saved)
            for one in people
            for verdicts, saved in one.saved.items()
            if entered < saved < killed - PERIOD or back < saved
            if (shown := viewer.seen.get((one.member.name, verdicts)))
        )
        for one in people:
            await one.leave()
    everything = sum(len(one.saved) for one in people)
    return Measure(
        number,
        everything,
        len(delays),
        delays[len(delays) // 2],
        delays[int(len(delays) * 0.99)],
        delays[-1],
        back - reborn,
        everything - sum(row["verdicts"] for row in viewer.rows.values()),
        wrong(people, viewer),
        memory,
        spent / (ended - entered),
    )


def wrong(people: list[Person], viewer: Viewer) -> list[str]:
    """Renvoie ce que la page dit de travers."""
    found, rows = [], {row["name"]: row for row in viewer.rows.values()}
    for one in people:
        story, row = one.member.story, rows.get(one.member.name)
        if row is None:
            found.append(f"{one.member.name} manque")
        elif (row["verdicts"], row["step"]) != (story.verdicts, story.step[:2]):
            found.append(f"{one.member.name} : {row['verdicts']} au lieu de {story.verdicts}")
        elif bool(row["red"]) != bool(story.red):
            found.append(f"{one.member.name} : {row['red']} au lieu de {story.red}")
    return found


def measured(seconds: float, number: int) -> Measure:
    with running_board() as board:
        return asyncio.run(measure(board, seconds, number))


if __name__ == "__main__":
    seconds, number = (*map(int, sys.argv[1:]), *(300, 200)[len(sys.argv) - 1 :])
    for name, value in vars(measured(seconds, number)).items():
        print(f"{name} : {value}")
