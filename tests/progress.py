"""Où en sont les tests : une ligne dit ce qui est fait, et combien de temps il reste environ.

Un test qui échoue est nommé aussitôt ; les durées sont retenues pour la fois suivante.
"""

import json
import time

import pytest

from tests.sharing import DURATIONS, Durations
from workshop.system.memory import keep

# Dans un terminal, une ligne en remplace une autre ; ailleurs, elles restent, et l'on en écrit peu.
EVERY_SECONDS = {True: 1, False: 20}
# Le poids que garde, au début, la vitesse de la dernière fois.
ASSUMED_SECONDS = 60


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    # Les ouvriers de xdist n'ont pas de terminal : celui qui les mène compte pour tous.
    if not hasattr(config, "workerinput"):
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        config.pluginmanager.register(Progress(reporter, config.getoption("numprocesses") or 1))


class Progress:
    """Compte les tests à mesure qu'ils finissent."""

    def __init__(self, reporter, workers: int):
        self.reporter, self.workers = reporter, workers
        self.in_place = bool(reporter.isatty)
        self.durations = Durations()
        self.expected: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self.finished, self.failed = set(), set()
        self.began = self.shown = 0.0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.begin([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.begin(ids)

    def begin(self, tests: list[str]) -> None:
        """Prend note de ce qu'il y a à faire. Chaque ouvrier donne la même liste."""
        if tests and not self.expected:
            self.began = time.monotonic()
            self.expected = {test: self.durations.of(test) for test in tests}
            self.show()

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self):
        # Ni point ni lettre ; le résumé de la fin, lui, nomme ce qui échoue.
        category, _, word = yield
        return category, "", word if category in ("failed", "error") else ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        test = report.nodeid
        self.seconds[test] = self.seconds.get(test, 0) + report.duration
        if report.failed:
            self.failed.add(test)
            self.erase()
            self.reporter.write_line(f"échec : {test}")
        if report.when == "teardown":
            self.finished.add(test)
            if time.monotonic() - self.shown > EVERY_SECONDS[self.in_place]:
                self.show()

    def pytest_sessionfinish(self) -> None:
        self.erase()
        # Celle d'un test qui échoue, ou que l'on arrête, ne dit rien de la prochaine.
        whole = self.finished - self.failed
        new = {test: seconds for test, seconds in self.seconds.items() if test in whole}
        keep(DURATIONS, json.dumps(self.durations.known | new))

    def show(self) -> None:
        """Écrit où l'on en est, à la place de la ligne d'avant si c'est un terminal."""
        self.shown = time.monotonic()
        write = self.reporter.rewrite if self.in_place else self.reporter.write_line
        self.erase()
        write(self.sentence(self.shown - self.began))

    def erase(self) -> None:
        if self.in_place:
            self.reporter.rewrite("", erase=True)
            self.reporter.rewrite("")

    def sentence(self, elapsed: float) -> str:
        """Dit ce qui est fait et le temps qu'il reste, au bout de `elapsed` secondes."""
        total = sum(self.expected.values())
        done = sum(self.expected.get(test, 0) for test in self.finished)
        pace = (elapsed + ASSUMED_SECONDS) / (done + ASSUMED_SECONDS * self.workers)
        minutes = (total - done) * pace / 60
        left = f"{minutes:.0f} min environ" if minutes > 1 else "moins d'une minute"
        part = f"{done / total:.0%}".replace("%", " %")
        return f"{part} : {len(self.finished)} tests sur {len(self.expected)}, encore {left}"
