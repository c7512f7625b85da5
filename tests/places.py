"""Mesure ce que coûte la place d'une faute : les essais et les secondes, étape par étape.

`python -m tests.places [ÉTAPE…]` cherche la place de la première faute de chaque code, sans rien
savoir d'avance, puis celle des fautes du chat de l'étape 05 dans des projets écrits autrement.
Les secondes ne valent que sur une machine qui ne fait rien d'autre.
"""

import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from unittest import mock

from tests.checking.test_steps import EQUIVALENT
from tests.diagnosis.test_mistakes import chosen
from tests.mistakes import LAST_BLOCK, Mistake
from workshop.chapters.replay import ReplayError, apply
from workshop.chapters.steps import read_acts
from workshop.checking import explaining
from workshop.checking.checking import Report, check
from workshop.system import nursed

# Le délai d'un apprenant, et non celui des tests.
SECONDS = 15


def searched(mistake: Mistake, folder: Path, other_way: str = "") -> Report | None:
    """Renvoie le résultat d'une faute, commise dans un projet écrit autrement si on le nomme.

    None si la faute ne peut pas s'y commettre.
    """
    project = mistake.commit(folder)
    if other_way:
        path, code = EQUIVALENT[other_way]
        (project / path).write_text(code, "utf-8")
        try:
            for act in read_acts(LAST_BLOCK.sub("", mistake.text), mistake.name):
                if getattr(act, "path", None) == path:
                    apply(act, project, mistake.name)
        except ReplayError:
            return None
    return check(mistake.step, project, sys.executable)


def measure(mistakes: list[Mistake], other_way: str = "") -> None:
    """Cherche la place de ces fautes, et imprime une ligne par étape."""
    checks, seconds, codes = defaultdict(list), defaultdict(list), defaultdict(Counter)
    for mistake in mistakes:
        with tempfile.TemporaryDirectory(prefix="atelier é ") as folder:
            report = searched(mistake, Path(folder), other_way)
        if report and report.search:
            checks[mistake.step.slug].append(report.search.checks)
            seconds[mistake.step.slug].append(report.search.spent)
            codes[mistake.step.slug][report.diagnosis.code == mistake.expected.code] += 1
            if report.diagnosis.code != mistake.expected.code:
                print(f"  {mistake.name} : {report.diagnosis.code}", flush=True)
    for slug in checks:
        print(
            f"{slug} {other_way} : {len(checks[slug])} fautes, {codes[slug][True]} bien nommées ; "
            f"essais, médiane {statistics.median(checks[slug]):.0f}, pire {max(checks[slug])} ; "
            f"secondes, médiane {statistics.median(seconds[slug]):.1f}, "
            f"pire {max(seconds[slug]):.1f}",
            flush=True,
        )


if __name__ == "__main__":
    wanted = sys.argv[1:]
    ones = [one for one in chosen(False) if not wanted or one.step.slug in wanted]
    nursed.start(sys.executable)
    with mock.patch.object(explaining, "SECONDS", SECONDS):
        measure([one for one in ones if one.expected.code])
        for name in EQUIVALENT:
            measure([one for one in ones if one.step.number == 5 and one.expected.code], name)
