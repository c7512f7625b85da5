"""Les fautes de `tests/mistakes/` : ce qu'elles changent au projet, et ce que l'apprenant lit.

Une faute est un texte écrit comme un chapitre, appliqué sur la solution de l'étape dont son
dossier porte le nom. Son dernier bloc est le message qu'elle doit recevoir, ou « Étape réussie. »
quand elle ne casse rien. `python -m tests.mistakes [NOM…]` écrit les messages d'aujourd'hui à la
place : relisez la différence avant de l'enregistrer.
"""

import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from workshop.chapters.replay import apply
from workshop.chapters.steps import find_step, read_acts
from workshop.checking import explaining
from workshop.checking.acquired import with_acquired
from workshop.checking.checking import check
from workshop.checking.locating import Search
from workshop.project.files import copy_project
from workshop.publishing.faults import FOLDER, LAST_BLOCK
from workshop.system import nursed

GREEN = "Étape réussie."
# On juge ici des mots : une machine où tout se vérifie de front a droit à plus de temps.
explaining.SECONDS = 180


class Assured(Search):
    """Une recherche qui sait que la solution est verte (test_steps.py le prouve).

    D'une faute faite d'un seul morceau, elle n'a rien à essayer.
    """

    def smallest(self, edits, places, base=frozenset(), before=()):
        self.known[frozenset(edits) | base] = True
        return super().smallest(edits, places, base, before)


class Answer(NamedTuple):
    """Ce que lit l'apprenant, le code de la cause et le but rouge (None si rien n'est cassé)."""

    code: str | None
    goal: str | None
    message: str

    def __str__(self):
        words = " ".join(filter(None, ("text", self.code, self.goal)))
        return f"```{words}\n{self.message}\n```\n"


@dataclass(frozen=True)
class Mistake:
    """Une faute. `expected` est le message qu'elle doit recevoir."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(FOLDER).with_suffix("").as_posix()

    @property
    def step(self):
        return find_step(self.path.parent.name)

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def expected(self) -> "Answer":
        found = LAST_BLOCK.search(self.text)
        return Answer(found["code"], found["goal"], found["message"])

    def commit(self, folder: Path) -> Path:
        """Copie la solution de l'étape dans un dossier, y commet la faute, et renvoie le projet."""
        project = folder / "live"
        copy_project(self.step.solution, project)
        for act in read_acts(LAST_BLOCK.sub("", self.text), self.name):
            apply(act, project, self.name)
        return project

    def answer(self, goal: str = "", search: type[Search] = Assured) -> "Answer":
        """Renvoie ce que lit l'apprenant qui l'a commise ; `goal` : on ne juge que ce but.

        Lève AssertionError si la vérification a changé un octet de son dossier, ou si une règle est
        tombée.
        """
        with tempfile.TemporaryDirectory(prefix="atelier é ") as folder:
            project = self.commit(Path(folder))
            before = contents(project)
            nursed.start(sys.executable)
            with mock.patch.object(explaining, "Search", search):
                report = check(self.step, project, sys.executable, goal=goal)
            if report.passed:
                report = with_acquired(report, self.step, project, sys.executable)
            assert contents(project) == before, "la vérification a écrit dans le projet"
        assert not report.crashes, report.crashes[0]
        if not report.red:
            return Answer(None, None, GREEN)
        message = str(report.diagnosis or report.red.reason)
        # Le port d'un vrai serveur change d'une fois à l'autre, et l'heure aussi.
        message = re.sub(r"(?<=127\.0\.0\.1):[\d:]+", ":8000", message)
        # Ce qu'une rafale a livré avant de s'arrêter aussi.
        message = re.sub(r"(?<=entendu en direct que )[1-9]\d*", "30", message)
        code = report.diagnosis.code if report.diagnosis else "unknown"
        return Answer(code, report.red.id, re.sub(r"\d\d:\d\d", "12:00", message))


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    """Renvoie les octets et la date de chaque fichier d'un dossier."""
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def all_mistakes() -> list[Mistake]:
    """Renvoie toutes les fautes, étape après étape."""
    return [Mistake(path) for path in sorted(FOLDER.glob("*/*.md"))]


def rewrite(names: list[str]) -> None:
    """Écrit dans chaque texte le message d'aujourd'hui, et son code."""
    chosen = [
        mistake for mistake in all_mistakes() if not names or mistake.name.startswith(tuple(names))
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mistake, answer in zip(chosen, pool.map(Mistake.answer, chosen), strict=True):
            found = LAST_BLOCK.search(mistake.text)
            start = mistake.text[: found.start()] if found else mistake.text.rstrip() + "\n\n"
            if start + str(answer) != mistake.text:
                print(f"{mistake.name}\n{answer}", flush=True)
                mistake.path.write_text(start + str(answer), "utf-8")


if __name__ == "__main__":
    rewrite(sys.argv[1:])
