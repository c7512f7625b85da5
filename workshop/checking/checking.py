"""Vérifie un projet : les buts d'une étape, sur une copie, dans un autre processus."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from workshop.basics import WorkshopError
from workshop.browsers import sharing
from workshop.chapters.schedule import OPTIONAL
from workshop.chapters.steps import Step, all_steps
from workshop.checking.explaining import explain
from workshop.checking.judges import SERVER, Judge, request
from workshop.checking.locating import Search
from workshop.diagnosis.finding import Diagnosis, Suspicion
from workshop.project.files import copy_project
from workshop.system.memory import keep, kept

DEADLINE = 60
# Les étapes 11 et 12 ont des portes qui font attendre ; la 13 lance la suite sur trente chats ; à
# la 14, deux serveurs attendent que Redis revienne ; la 15 fait la course avec un autre chat, et la
# 16 déploie le sien plusieurs fois.
LONGER = {11: 120, 12: 120, 13: 300, 14: 180, 15: 120, 16: 360, 17: 360}
# Celles qui ouvrent un navigateur.
IN_A_BROWSER = range(7, 13)
LISTEN_SECONDS = 120
TOO_LATE = "Pas de réponse avant la fin du délai : le projet tourne en rond ou attend en vain."
STOPPED = "Le projet a mis fin à la vérification (sys.exit, os._exit…) avant d'atteindre ce but."


@dataclass(frozen=True)
class Goal:
    """Un but d'une étape. `state` : passed, failed, waiting (pas atteint) ou skipped."""

    id: str
    text: str
    state: str
    reason: str | None

    @property
    def spared(self) -> bool:
        """True si ce but, facultatif comme le dit sa phrase, n'a pas été jugé."""
        return self.state == "skipped" and self.text.endswith(OPTIONAL)


@dataclass
class Report:
    """Ce que donne la vérification d'une étape ; il se complète à mesure.

    `trace` est tout ce que la vérification a écrit, le projet compris ; `suspicion`, ce que les
    règles proposent de dire du but rouge, et `crashes` les traces de celles qui sont tombées ;
    `search` est la recherche de ce qui répare, et `remarks` ce dont Django avertit quand tout est
    vert.
    """

    step: str
    goals: list[Goal] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    suspicion: Suspicion | None = None
    crashes: list[str] = field(default_factory=list)
    search: Search | None = None
    remarks: list[str] = field(default_factory=list)
    trace: str = ""

    @property
    def passed(self) -> bool | None:
        """True si tout est vert, False si un but est rouge, None si un but n'a pu être vérifié.

        Un but facultatif que l'on n'a pas jugé ne compte pas.
        """
        states = {goal.state for goal in self.goals if not goal.spared}
        if "failed" in states or not states:
            return False
        return None if states & {"skipped", "waiting"} else True

    @property
    def exit_code(self) -> int:
        return {True: 0, False: 1, None: 2}[self.passed]

    @property
    def red(self) -> Goal | None:
        """Le but rouge, s'il y en a un."""
        return next((goal for goal in self.goals if goal.state == "failed"), None)

    def as_json(self) -> str:
        """Renvoie l'objet décrit par `verifier --json`."""
        found = {
            "step": self.step,
            "passed": self.passed,
            "goals": [asdict(goal) for goal in self.goals],
            "diagnosis": self.diagnosis and asdict(self.diagnosis),
        }
        return json.dumps(found, ensure_ascii=False)

    def update(self, news: dict) -> None:
        """Prend note d'une nouvelle du processus qui juge."""
        if "goals" in news:
            self.goals = [Goal(**goal) for goal in news["goals"]]
        if "suspicion" in news:
            self.suspicion = Suspicion.from_json(news["suspicion"])
        if "crash" in news:
            self.crashes.append(news["crash"])

    def finish(self, late: bool, trace: str) -> None:
        """Prend note de la fin ; un but resté en attente sans qu'aucun soit rouge le devient.

        Lève WorkshopError si la vérification n'a pas même commencé.
        """
        self.trace = trace
        if not self.goals:
            raise WorkshopError(
                "La vérification n'a pas pu commencer. Voici la fin de ce qu'elle a écrit :\n"
                + "\n".join(trace.splitlines()[-15:])
            )
        waiting = [i for i, goal in enumerate(self.goals) if goal.state == "waiting"]
        if waiting and not self.red:
            reason = TOO_LATE if late else STOPPED
            self.goals[waiting[0]] = replace(self.goals[waiting[0]], state="failed", reason=reason)


def check(
    step: Step,
    project: Path,
    python: str,
    *,
    judge: Judge | None = None,
    goal: str = "",
    listen: float = 0,
    server: str = SERVER,
    progress: Callable[[Report, float], None] = lambda report, seconds: None,
) -> Report:
    """Vérifie les buts d'une étape sur une copie de `project`, sans y écrire un octet.

    `python` est celui du projet (vide : aucun ; celui de l'atelier le remplace, sauf à l'étape 01,
    dont c'est l'objet). `judge` est un processus déjà prêt, que cet appel use ; `goal`, le seul
    but à juger, ou les seuls, séparés par des espaces. `listen` est le nombre de secondes pendant
    lesquelles l'étape 06 écoute le salon de `server` (0 : elle n'écoute pas). `progress` reçoit
    souvent ce que l'on sait déjà et les secondes écoulées ; l'exception qu'il lève arrête tout.
    """
    started = time.monotonic()
    if step.number in IN_A_BROWSER:
        sharing.start()
    with judge or Judge(step) as judge:
        copy = Path(judge.folder.name) / "live"
        if project.is_dir():
            copy_project(project, copy)
        else:
            copy.mkdir()
        console = project / "console.js"
        asked = request(copy, project, python, step) | {
            "ATELIER_GOAL": goal,
            "ATELIER_LISTEN": str(listen),
            "ATELIER_SERVER": server,
            "ATELIER_HEARD": "1" if was_heard(console) and not listen else "",
        }
        deadline = LONGER.get(step.number, DEADLINE) + listen
        report = Report(step.slug)
        for news in judge.judge(asked, deadline):
            report.update(news or {})
            progress(report, time.monotonic() - started)
        report.finish(time.monotonic() - started >= deadline, judge.trace)
        if report.red and report.suspicion:
            report.diagnosis, report.search = explain(
                step,
                report.red.id,
                copy,
                project,
                python,
                report.suspicion,
                lambda: progress(report, time.monotonic() - started),
            )
            progress(report, time.monotonic() - started)
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


def green_steps() -> frozenset[str]:
    """Renvoie les étapes que `suivre` a déjà vues réussies."""
    return frozenset((kept("green") or "").split())


def was_heard(console: Path) -> bool:
    """Renvoie True si ce `console.js` a déjà fait entendre sa voix à une vérification."""
    return console.is_file() and kept("heard") == _digest(console)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
