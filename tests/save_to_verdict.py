"""Mesure le temps entre un enregistrement et son verdict, à côté d'un pytest lancé à froid.

`python -m tests.save_to_verdict [N]` : N enregistrements, vingt sinon, à l'étape 05, qui alternent
un bon chat et des chats cassés. Le verdict est le but rouge avec sa cause, ou les quatre premiers
buts verts : ceux qui ne demandent pas de base de données. Chaque mesure est suivie d'un pytest à
froid des mêmes buts, sur le même projet.
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
from workshop.checking.checking import Judge, check
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


class Verdict(Exception):
    """Le verdict est là : inutile d'aller plus loin."""


def until_verdict(report, seconds) -> None:
    """Lève Verdict dès que les quatre premiers buts sont verts, ou que la cause est connue."""
    if report.diagnosis or all(goal.state == "passed" for goal in report.goals[:4] or [None]):
        raise Verdict(report)


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


async def measure(saves: int) -> tuple[list[float], list[float]]:
    """Renvoie les secondes jusqu'au verdict et celles de pytest à froid, pour chaque fois."""
    step = find_step("05")
    warm_times, cold_times = [], []
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
            started = time.perf_counter()
            path.write_text(text, "utf-8")
            await following
            following = asyncio.ensure_future(anext(watched))
            try:
                await asyncio.to_thread(
                    check, step, project, sys.executable, judge=judge, progress=until_verdict
                )
                raise SystemExit("Le verdict n'est pas venu.")
            except Verdict as verdict:
                warm_times.append(time.perf_counter() - started)
                passed = verdict.args[0].red is None
            assert passed == (number % 2 == 0), "le verdict est faux"
            cold_times.append(await asyncio.to_thread(cold, step, project))
            print(
                f"{number + 1:>3}  {1000 * warm_times[-1]:5.0f} ms  {1000 * cold_times[-1]:5.0f} ms"
            )
        following.cancel()
    return warm_times, cold_times


def main(saves: int) -> None:
    warm_times, cold_times = asyncio.run(measure(saves))
    for name, times in (("suivre", warm_times), ("pytest à froid", cold_times)):
        median, least, most = statistics.median(times), min(times), max(times)
        print(f"{name} : médiane {median:.3f} s, de {least:.3f} à {most:.3f} s")
    ratio = statistics.median(warm_times) / statistics.median(cold_times)
    print(f"rapport des médianes : {ratio:.2f}")


if __name__ == "__main__":
    os.environ.pop("ATELIER_PROJECT", None)
    main(int(sys.argv[1]) if sys.argv[1:] else 20)
