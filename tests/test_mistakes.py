"""Chaque faute de `tests/mistakes/` reçoit le message qu'elle dit."""

import pytest

from tests.mistakes import GREEN, all_mistakes
from workshop.checking import Judge

MISTAKES = all_mistakes()


@pytest.fixture(scope="module")
def judge_for():
    """Donne un processus qui juge, prêt, et prépare aussitôt le suivant."""
    spares = {}

    def give(step) -> Judge:
        judge = spares.pop(step.slug, None) or Judge(step)
        spares[step.slug] = Judge(step)
        return judge

    yield give
    for judge in spares.values():
        judge.stop()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_gets_its_message(mistake, judge_for):
    assert mistake.message(judge_for(mistake.step)) == mistake.expected


def test_there_are_mistakes_in_every_step_and_most_break_something():
    assert {mistake.step.number for mistake in MISTAKES} >= {1, 2, 3, 4, 5, 6}
    assert sum(mistake.expected != GREEN for mistake in MISTAKES) >= 60
