"""Chaque faute de `tests/mistakes/` reçoit le message qu'elle dit."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.mistakes import GREEN, all_mistakes

MISTAKES = all_mistakes()


@pytest.fixture(scope="module")
def messages(request):
    """Ce que reçoit chaque faute choisie, par nom ; toutes se vérifient de front."""
    chosen = {
        item.callspec.params["mistake"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    }
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {one.name: pool.submit(one.answer) for one in sorted(chosen, key=MISTAKES.index)}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_gets_its_message(mistake, messages):
    assert messages[mistake.name].result() == mistake.expected


def test_there_are_mistakes_in_every_step_and_most_break_something():
    assert {mistake.step.number for mistake in MISTAKES} >= {1, 2, 3, 4, 5, 6}
    assert sum(mistake.expected.message != GREEN for mistake in MISTAKES) >= 60
