"""Vérifie un projet : les buts d'une étape, sur une copie, dans un autre processus."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from workshop import ROOT, WorkshopError
from workshop.chapters import Step, all_steps
from workshop.serving import GUARD, copy_project, project_environment

DEADLINE = 60
LISTEN_SECONDS = 120
PROGRESS = ROOT / ".atelier"
TOO_LATE = "Pas de réponse avant la fin du délai : le projet tourne en rond ou attend en vain."
STOPPED = "Le projet a mis fin à la vérification (sys.exit, os._exit…) avant d'atteindre ce but."


@dataclass(frozen=True)
class Goal:
    """Un but d'une étape. `state` : passed, failed, waiting (pas atteint) ou skipped."""

    id: str
    text: str
    state: str
    reason: str | None


@dataclass(frozen=True)
class Report:
    """Ce que donne la vérification d'une étape."""

    step: str
    goals: list[Goal]

    @property
    def passed(self) -> bool | None:
        """True si tout est vert, False si un but est rouge, None si un but n'a pu être vérifié."""
        states = {goal.state for goal in self.goals}
        if "failed" in states or not states:
            return False
        return None if "skipped" in states else True

    @property
    def exit_code(self) -> int:
        return {True: 0, False: 1, None: 2}[self.passed]

    def as_json(self) -> str:
        """Renvoie l'objet décrit par `verifier --json` ; le diagnostic n'existe pas encore."""
        goals = [asdict(goal) for goal in self.goals]
        found = {"step": self.step, "passed": self.passed, "goals": goals, "diagnosis": None}
        return json.dumps(found, ensure_ascii=False)


def project_python(project: Path) -> str:
    """Renvoie le Python de l'environnement du projet, ou une chaîne vide s'il n'en a pas."""
    name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    python = project / ".venv" / name
    return str(python) if python.exists() else ""


def check(
    step: Step,
    project: Path,
    python: str,
    listen: float = 0,
    server: str = "http://127.0.0.1:8000",
    tick: Callable[[float], None] = lambda seconds: None,
) -> Report:
    """Vérifie les buts d'une étape sur une copie de `project`, sans y écrire un octet.

    `python` est celui du projet (vide : aucun ; celui de l'atelier le remplace, sauf à l'étape 01,
    dont c'est l'objet). `listen` est le nombre de secondes pendant lesquelles l'étape 06 écoute le
    salon de `server` (0 : elle n'écoute pas). `tick` reçoit souvent les secondes écoulées.
    """
    with tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "live"
        if project.is_dir():
            copy_project(project, copy)
        else:
            copy.mkdir()
        console = project / "console.js"
        environment = project_environment() | {
            "ATELIER_PROJECT": str(copy),
            "ATELIER_PYTHON": python if step.number == 1 else python or sys.executable,
            "ATELIER_LISTEN": str(listen),
            "ATELIER_SERVER": server,
            "ATELIER_HEARD": "1" if was_heard(console) and not listen else "",
        }
        goals = _run(step, Path(folder), environment, DEADLINE + listen, tick)
    report = Report(step.slug, goals)
    if listen and report.passed:
        keep("heard", _digest(console))
    return report


def current_step(project: Path, python: str) -> Step:
    """Renvoie l'étape en cours : la dernière vérifiée, sinon la première qui n'est pas verte."""
    steps = all_steps()
    for step in steps:
        if step.slug == kept("step"):
            return step
    for step in steps:
        if not check(step, project, python).passed:
            return step
    return steps[-1]


def was_heard(console: Path) -> bool:
    """Renvoie True si ce `console.js` a déjà fait entendre sa voix à une vérification."""
    return console.is_file() and kept("heard") == _digest(console)


def keep(name: str, value: str) -> None:
    """Retient une valeur d'une commande à l'autre, dans un dossier que git ignore."""
    PROGRESS.mkdir(exist_ok=True)
    (PROGRESS / name).write_text(value, "utf-8")


def kept(name: str) -> str | None:
    """Renvoie la valeur retenue sous ce nom, ou None."""
    path = PROGRESS / name
    return path.read_text("utf-8") if path.is_file() else None


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _run(step: Step, folder: Path, environment, deadline: float, tick) -> list[Goal]:
    goals_file, output = folder / "goals.json", folder / "output.txt"
    command = [sys.executable, str(GUARD), "-m", "pytest", str(step.folder)]
    command += [
        "-x",
        "-q",
        "--nomigrations",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-p",
        "workshop.goals",
    ]
    command += ["--goals", str(goals_file)]
    started = time.monotonic()
    with output.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
        try:
            while process.poll() is None and time.monotonic() - started < deadline:
                tick(time.monotonic() - started)
                time.sleep(0.02)
            late = process.poll() is None
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
    if not goals_file.exists():
        raise WorkshopError(
            "La vérification n'a pas pu commencer. Voici la fin de ce qu'elle a écrit :\n"
            + "\n".join(output.read_text("utf-8", errors="replace").splitlines()[-15:])
        )
    goals = json.loads(goals_file.read_text("utf-8"))
    states = {goal["state"] for goal in goals}
    if "waiting" in states and "failed" not in states:
        reached = next(goal for goal in goals if goal["state"] == "waiting")
        reached |= {"state": "failed", "reason": TOO_LATE if late else STOPPED}
    return [Goal(goal["id"], goal["text"], goal["state"], goal["reason"]) for goal in goals]
