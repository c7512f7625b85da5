"""Une classe entière, derrière une seule adresse, se parle sans que l'on refuse rien à personne.

Dix secondes, ou le nombre que donne la variable ATELIER_CLASS_SECONDS : trois cents, pour la mesure
entière.
"""

import os

import pytest

from tests.classroom import PACE, PAGES, measured
from workshop.browsers.finding import MissingTool

SECONDS = float(os.environ.get("ATELIER_CLASS_SECONDS", 10))


@pytest.fixture(scope="module")
def found():
    try:
        return measured(SECONDS)
    except MissingTool as error:
        pytest.skip(str(error))


def test_the_whole_class_talks(found):
    assert found.said >= PAGES * SECONDS / PACE / 2


def test_nobody_is_refused_or_hung_up_on(found):
    assert (found.refusals, found.returns) == ([], 0)


def test_everyone_reads_everything_once(found):
    assert (found.lost, found.twice) == (0, 0)
