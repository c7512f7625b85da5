"""La recherche de ce qui répare : la plus petite part, en peu d'essais, et jamais sans fin."""

import threading
import time
from pathlib import Path

import pytest

from workshop.checking.locating import ABREAST, Search
from workshop.diagnosis.edits import Edit

EDITS = [
    Edit(f"file{number % 3}.txt", "changed", number, number + 1, (str(number),))
    for number in range(12)
]


def search(needed, seconds=15.0, edits=EDITS, places=(), **options):
    """Renvoie ce que trouve une recherche où il faut tous les morceaux `needed`."""
    needed = frozenset(needed)
    looking = Search(Path("nulle part"), lambda part: needed <= part, seconds)
    return looking.smallest(list(edits), list(places), **options), looking


@pytest.mark.parametrize("ranks", [(0,), (7,), (1, 9), (0, 3, 6), (2, 3, 4, 11), tuple(range(12))])
def test_the_smallest_part_is_found(ranks):
    needed = {EDITS[rank] for rank in ranks}
    part, _ = search(needed)
    assert part == needed


def test_what_the_error_points_at_is_tried_first():
    wanted = Edit("ailleurs.txt", "changed", 10, 11, ("ici",))
    part, looking = search({wanted}, edits=[*EDITS, wanted], places=[(wanted.file, 11)])
    assert part == {wanted}
    assert looking.checks <= ABREAST


def test_without_anything_that_mends_it_stops_after_three_checks():
    part, looking = search({Edit("ailleurs.txt", "changed")})
    assert part is None
    assert looking.checks <= 3


def test_an_extra_file_is_done_without_last_and_alone():
    extra = Edit("channels.py", "extra")
    part, _ = search({extra}, edits=[*EDITS, extra])
    assert part == {extra}
    part, _ = search({EDITS[0]}, edits=[*EDITS, extra])
    assert part == {EDITS[0]}


def test_what_is_not_yet_written_is_always_there_and_never_a_fault():
    base = frozenset(EDITS[6:])
    assert search(base, edits=EDITS[:6], base=base)[0] == frozenset()
    assert search({*base, EDITS[2]}, edits=EDITS[:6], base=base)[0] == {EDITS[2]}


def test_a_part_given_comes_first():
    given = frozenset([Edit("file0.txt", "changed", 99, 100, ("réparé",))])
    part, looking = search(given, before=[given])
    assert part == given
    assert looking.checks <= ABREAST


def test_nothing_is_tried_twice():
    tried = []

    def mends(part):
        tried.append(part)
        return {EDITS[1], EDITS[9]} <= part

    Search(Path("nulle part"), mends, 15).smallest(EDITS, [])
    assert len(tried) == len({*tried})


@pytest.mark.parametrize("needed", [{EDITS[1], EDITS[9]}, {Edit("ailleurs.txt", "changed")}])
def test_too_late_it_says_the_least_it_knows(needed):
    def mends(part):
        time.sleep(0.1)
        return needed <= part

    looking = Search(Path("nulle part"), mends, 0.35)
    part = looking.smallest(EDITS, [])
    assert looking.spent < 2
    assert part is None if needed.isdisjoint(EDITS) else needed < part
    assert looking.finished is needed.isdisjoint(EDITS)


def test_never_more_than_two_at_once():
    running, most, lock = 0, 0, threading.Lock()

    def mends(part):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return {EDITS[1], EDITS[9]} <= part

    Search(Path("nulle part"), mends, 15).smallest(EDITS, [])
    assert most == ABREAST


def test_whoever_stops_it_is_heard():
    class Stale(Exception):
        pass

    def mends(part):
        raise Stale

    with pytest.raises(Stale):
        Search(Path("nulle part"), mends, 15).smallest(EDITS, [])
