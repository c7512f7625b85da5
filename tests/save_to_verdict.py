"""Mesure le temps entre un enregistrement et son verdict, à côté d'un pytest lancé à froid.

`python -m tests.save_to_verdict [N]` : N enregistrements, vingt sinon, à l'étape 05, qui alternent
un bon chat et des chats cassés. L'observation est le but rouge, ou les quatre premiers
buts verts : ceux qui ne demandent pas de base de données ; la place d'une faute vient ensuite.
Chaque mesure est suivie d'un pytest à froid des mêmes buts, sur le même projet.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workshop.basics import ROOT
from workshop.chapters.steps import find_step
from workshop.checking.checking import check
from workshop.checking.judges import Judge
from workshop.following.watching import changes
from workshop.project.files import copy_project
from workshop.system.processes import project_environment

GOALS = ("test_welcome", "test_echo", "test_room", "test_departure")
CONSUMERS = "chat/consumers.py"
BROKEN = (
    ("await self.channel_layer.group_add", "self.channel_layer.group_add"),
    ("async def chat_message", "async def message_chat"),
    ("class ChatConsumer", "classe ChatConsumer"),
    ("Bienvenue {self.name} !", "Bienvenue {self.name}!"),
    ('["room"]', '["room_name"]'),
)


class Stopwatch:
    """Les secondes jusqu'à l'observation, puis jusqu'à la place d'une faute."""

    def __init__(self):
        self.began = time.perf_counter()
        self.observed = self.placed = 0.0

    def __call__(self, report, seconds) -> None:
        green = all(goal.state == "passed" for goal in report.goals[:4] or [None])
        if not self.observed and (report.red or green):
            self.observed = time.perf_counter() - self.began
        if report.diagnosis:
            self.placed = time.perf_counter() - self.began


def cold(step, project: Path) -> float:
    """Renvoie les secondes d'un pytest lancé à froid sur les mêmes buts."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-k", " or ".join(GOALS), str(step.folder)],
        cwd=ROOT,
        env=project_environment() | {"ATELIER_PROJECT": str(project)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


async def measure(saves: int) -> dict[str, list[float]]:
    """Renvoie les secondes de chaque fois : l'observation, la place d'une faute, pytest à froid."""
    step = find_step("05")
    times = {"l'observation": [], "la place": [], "pytest à froid": []}
    with tempfile.TemporaryDirectory(prefix="atelier é ") as folder:
        project = Path(folder) / "live"
        copy_project(step.solution, project)
        path = project / CONSUMERS
        good = path.read_text("utf-8")
        watched = changes(project)
        following = asyncio.ensure_future(anext(watched))
        for number in range(saves):
            judge = Judge(step)
            # Le temps de relire son code : le processus est prêt quand on enregistre.
            await asyncio.sleep(3)
            text = good + "\n" * number
            if number % 2:
                text = text.replace(*BROKEN[number // 2 % len(BROKEN)])
            watch = Stopwatch()
            path.write_text(text, "utf-8")
            await following
            following = asyncio.ensure_future(anext(watched))
            report = await asyncio.to_thread(
                check, step, project, sys.executable, judge=judge, progress=watch
            )
            assert (report.red is None) == (number % 2 == 0), "le verdict est faux"
            times["l'observation"].append(watch.observed)
            times["la place"] += [watch.placed] if watch.placed else []
            times["pytest à froid"].append(await asyncio.to_thread(cold, step, project))
            print(
                f"{number + 1:>3} ",
                *(f"{name} {1000 * one[-1]:.0f} ms" for name, one in times.items() if one),
            )
        following.cancel()
    return times


def main(saves: int) -> None:
    times = asyncio.run(measure(saves))
    for name, some in times.items():
        median, least, most = statistics.median(some), min(some), max(some)
        print(f"{name} : médiane {median:.3f} s, de {least:.3f} à {most:.3f} s")
    ratio = statistics.median(times["l'observation"]) / statistics.median(times["pytest à froid"])
    print(f"rapport des médianes : {ratio:.2f}")


if __name__ == "__main__":
    os.environ.pop("ATELIER_PROJECT", None)
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
