"""Le processus qui juge une étape : préparé d'avance, il ne sert qu'un projet, et une fois.

Usage : `python -m workshop.checking.judging DOSSIER_DE_L_ÉTAPE`. Il charge ce qui ne dépend d'aucun
projet, puis attend une ligne de JSON : les variables d'environnement qui disent quel projet juger.
Il répond par des lignes de JSON, une à chaque nouvelle : les buts, puis le diagnostic d'un but
rouge.

Un but est un test ; sa docstring est la phrase que lit l'apprenant. Ceux que pytest n'a pas
atteints restent « en attente », de même que ceux qui échouent après un premier. L'entrée standard
est tenue par le parent : quand elle finit, ce processus sort.
"""

import contextlib
import importlib
import json
import os
import re
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from workshop.basics import ROOT, WorkshopError
from workshop.checking.watchdog import SECONDS, watch
from workshop.diagnosis import catalogue  # noqa: F401  les règles se déclarent
from workshop.diagnosis.case import Case, raised_by_a_goal
from workshop.diagnosis.finding import Finding, Suspicion
from workshop.diagnosis.rules import findings
from workshop.system.guard import watch_parent

STUCK = (
    "C'est une boucle sans fin, ou une attente qui bloque tout le serveur (time.sleep, input…). "
    "Donnez-lui une fin ; dans une coroutine, attendez avec « await asyncio.sleep(…) »."
)


class Judge:
    """Greffon pytest : attend un projet, annonce l'état de ses buts, explique le premier rouge."""

    def __init__(self, folder: str, channel):
        self.step, self.channel = Path(folder).name, channel
        self.goals = {}
        self.case = None

    def send(self, **news) -> None:
        """Écrit une nouvelle pour le parent."""
        print(json.dumps(news), file=self.channel, flush=True)

    def send_goals(self) -> None:
        self.send(goals=list(self.goals.values()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session):
        for item in session.items:
            # Une espace insécable reste insécable.
            text = re.sub(r"[ \n]+", " ", item.obj.__doc__.split("\n\n")[0]).strip()
            goal = {"id": item.originalname, "text": text, "state": "waiting", "reason": None}
            self.goals[item.nodeid] = goal
        importlib.import_module("workshop.checking.preloading")
        request = sys.stdin.readline()
        if not request:
            os._exit(0)
        os.environ.update(json.loads(request))
        if only := os.environ.get("ATELIER_GOAL"):
            kept = only.split()
            session.items[:] = [item for item in session.items if item.originalname in kept]
            self.goals = {item.nodeid: self.goals[item.nodeid] for item in session.items}
        threading.Thread(target=watch_parent, daemon=True).start()
        sys.set_coroutine_origin_tracking_depth(20)
        places = [Path(os.environ[f"ATELIER_{name}"]) for name in ("PROJECT", "ORIGIN")]
        self.case = Case(self.step, *places, server=os.environ["ATELIER_SERVER"])
        watch(places[0], self.stuck)
        self.send_goals()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        goal = self.goals[item.nodeid]
        if report.failed and not self.case.goal:
            error = call.excinfo.value
            goal |= {"state": "failed", "reason": reason(error)}
            self.case.fail(goal["id"], goal["reason"], error, item.funcargs)
        elif report.failed:
            # Un seul but rouge à la fois : celui-ci attend son tour.
            goal |= {"state": "failed" if goal["id"] == self.case.goal else "waiting"}
        elif report.skipped:
            goal |= {"state": "skipped", "reason": str(call.excinfo.value)}
        elif call.when == "call":
            goal |= {"state": "passed"}
        self.send_goals()
        return report

    def pytest_warning_recorded(self, warning_message):
        if self.case:
            self.case.warn(warning_message)

    def pytest_sessionfinish(self, session):
        # Ici : pytest avertit de ses greffons importés avant lui.
        from pytest_django.plugin import blocking_manager_key

        if not self.case or not self.case.goal or os.environ.get("ATELIER_TRIAL"):
            return
        # pytest-django garde la base fermée ; la conversation d'essai en a une à elle.
        with session.config.stash[blocking_manager_key].unblock():
            found = findings(self.case, lambda trace: self.send(crash=trace))
            self.suspect(found, self.case.places)

    def suspect(self, found: list[Finding], places: list) -> None:
        """Dit au parent ce que l'on sait du but rouge."""
        self.send(
            suspicion=asdict(
                Suspicion(self.case.observed, found, places, self.case.settings_module)
            )
        )

    def stuck(self, file: str, line: int, function: str) -> None:
        """Le projet ne rend pas la main : le but en cours est rouge, et l'on sait où."""
        observed = f"Depuis {SECONDS} secondes, le projet ne rend pas la main."
        if not self.case.goal:
            goal = next(goal for goal in self.goals.values() if goal["state"] == "waiting")
            goal |= {"state": "failed", "reason": observed}
            self.send_goals()
        place = self.case.project.relative(file), line
        self.case.observed = observed
        self.suspect([Finding("stuck", STUCK, *place)], [place])
        os._exit(1)


def reason(error: BaseException) -> str:
    """Renvoie la raison d'un échec : celle que le test donne, sinon ce que le projet a levé."""
    if isinstance(error, WorkshopError) or raised_by_a_goal(error):
        return str(error).split("\nassert ")[0]
    return f"Le projet lève {type(error).__name__} : {error}"


def main(folder: str) -> int:
    """Juge l'étape d'un dossier ; renvoie le code de pytest."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Ce que le projet imprime ne doit pas se mêler aux nouvelles.
    os.dup2(2, 1)
    options = ["-x", "-q", "-s", "--assert=plain", "--nomigrations", "-W", "always::RuntimeWarning"]
    options += ["--disable-plugin-autoload", "-p", "pytest_django.plugin"]
    options += ["-p", "pytest_asyncio.plugin", "-c", str(ROOT / "pyproject.toml")]
    return pytest.main([folder, *options], plugins=[Judge(folder, channel)])


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(sys.argv[1]))
