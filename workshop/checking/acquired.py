"""Ce qui était acquis le reste : quand une étape est verte, celles d'avant se jugent aussi."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from workshop.chapters.steps import Step, all_steps
from workshop.checking.checking import Goal, Report, check
from workshop.checking.remarks import remarks

ABREAST = 2
# Avant cette étape, il n'y a pas de projet dont Django puisse avertir.
FIRST_PROJECT = 2


def with_acquired(
    report: Report,
    step: Step,
    project: Path,
    python: str,
    progress: Callable[[Report, float], None] = lambda report, seconds: None,
) -> Report:
    """Renvoie le résultat d'une étape verte, et le premier but d'avant qui ne l'est plus.

    Ce but s'ajoute, rouge, à ceux de l'étape ; sinon, ce dont Django avertit s'ajoute en remarques.
    `progress` est appelé souvent, comme dans `check`.
    """
    # L'étape 01 juge un environnement : sans lui, on ne l'avait pas.
    before = [one for one in all_steps() if one.number < step.number and (python or one.number > 1)]

    def again(one: Step) -> Report:
        return check(one, project, python, progress=lambda _, seconds: progress(report, seconds))

    with ThreadPoolExecutor(ABREAST) as pool:
        try:
            for one, found in zip(before, pool.map(again, before), strict=True):
                if found.red:
                    return _lost(report, one, found)
        finally:
            pool.shutdown(cancel_futures=True)
    if step.number < FIRST_PROJECT:
        return report
    return replace(report, remarks=remarks(project, python or sys.executable))


def _lost(report: Report, step: Step, found: Report) -> Report:
    goal = found.red
    text = f"Vous l'aviez à l'étape {step.slug[:2]} : {_lowered(goal.text)}"
    lost = Goal(f"{step.slug}/{goal.id}", text, "failed", goal.reason)
    return replace(
        report,
        goals=[*report.goals, lost],
        diagnosis=found.diagnosis,
        trace=found.trace,
        search=found.search,
    )


def _lowered(text: str) -> str:
    return text[0].lower() + text[1:]
