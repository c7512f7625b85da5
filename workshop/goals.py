"""Greffon pytest : note l'état de chaque but d'une étape, dans l'ordre, pour `verifier`.

Un but est un test ; sa docstring est la phrase que lit l'apprenant. Un but rouge donne sa raison
en une phrase ; ceux que pytest n'a pas atteints restent « en attente ».
"""

import json
from pathlib import Path

import pytest

from workshop import WorkshopError


def pytest_addoption(parser):
    parser.addoption("--goals", metavar="FICHIER", help="où écrire l'état des buts, en JSON")


def pytest_configure(config):
    if path := config.getoption("--goals"):
        config.pluginmanager.register(Recorder(Path(path)), "workshop-goals")


class Recorder:
    """Écrit après chaque but la liste de tous, pour qu'une interruption ne perde rien."""

    def __init__(self, path: Path):
        self.path = path
        self.goals = {}

    def pytest_collection_finish(self, session):
        for item in session.items:
            text = " ".join(item.obj.__doc__.split("\n\n")[0].split())
            self.goals[item.nodeid] = {
                "id": item.originalname,
                "text": text,
                "state": "waiting",
                "reason": None,
            }
        self.write()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        goal = self.goals[item.nodeid]
        if report.failed:
            goal |= {"state": "failed", "reason": reason(call.excinfo.value)}
        elif report.skipped:
            goal |= {"state": "skipped", "reason": str(call.excinfo.value)}
        elif call.when == "call":
            goal |= {"state": "passed"}
        self.write()
        return report

    def write(self):
        self.path.write_text(json.dumps(list(self.goals.values())), "utf-8")


def reason(error: BaseException) -> str:
    """Renvoie la raison d'un échec : celle que le test donne, sinon ce que le projet a levé."""
    if isinstance(error, AssertionError | pytest.fail.Exception | WorkshopError):
        return str(error).split("\nassert ")[0]
    return f"Le projet lève {type(error).__name__} : {error}"
