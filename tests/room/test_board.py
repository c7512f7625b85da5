"""Le tableau en mémoire : des lignes justes, numérotées, et jamais trop."""

import itertools
from dataclasses import replace

import pytest

from tests.room.serving import member
from workshop.room import board as board_module
from workshop.room.board import SILENT_SECONDS, Board
from workshop.room.story import Story, Unreadable

STEPS = ["03-settings", "04-routing", "05-consumers", "06-console"]


class Clock:
    """Une montre que l'on avance."""

    now = 1e9

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def board(clock):
    return Board(STEPS, clock)


def frame(name: str, clock, **story) -> dict:
    """Ce que dit quelqu'un, dont la montre est la nôtre."""
    told = replace(Story("05-consumers"), **story)
    if not told.passages:
        told.begin(told.step, clock())
        told = replace(told, **story)
    return member("", name).frame | {"now": clock(), "story": told.as_json()}


def test_one_row_a_person_and_the_last_story_is_the_one(board, clock):
    ada = object()
    board.tell(frame("Ada", clock, verdicts=1), "réseau", ada)
    board.tell(frame("Ada", clock, verdicts=2), "réseau", ada)
    (row,) = board.rows.values()
    assert (row.name, row.story.verdicts, row.id) == ("Ada", 2, 1)


def test_only_what_changed_is_asked_for_again(board, clock):
    for name in ("Ada", "Blaise"):
        board.tell(frame(name, clock), "réseau", name)
    seen = board.changes(-1, "")
    assert seen["whole"] and len(seen["rows"]) == 2
    board.tell(frame("Blaise", clock, verdicts=1), "réseau", "Blaise")
    later = board.changes(seen["number"], seen["life"])
    assert not later["whole"] and [row.name for row in later["rows"]] == ["Blaise"]
    board.forget(frame("Ada", clock)["token"])
    last = board.changes(later["number"], later["life"])
    assert (last["rows"], last["gone"]) == ([], [1])
    assert board.changes(last["number"], last["life"])["gone"] == []


def test_who_waited_too_long_gets_everything(board, clock, monkeypatch):
    seen = board.changes(-1, "")
    for rank in range(board_module.MOST_ROWS + 1):
        board.tell(frame(f"P{rank}", clock), "réseau", rank)
        board.forget(frame(f"P{rank}", clock)["token"])
    assert board.changes(seen["number"], seen["life"])["whole"]


def test_a_late_farewell_does_not_take_away_who_came_back(board, clock):
    old, new = object(), object()
    row = board.tell(frame("Ada", clock), "réseau", old)
    board.tell(frame("Ada", clock), "réseau", new)
    board.leave(frame("Ada", clock)["token"], old)
    assert row.away is None
    board.leave(frame("Ada", clock)["token"], new)
    assert row.away == clock()


def test_a_silent_learner_is_not_a_green_one(board, clock):
    green = frame("Ada", clock, last=clock.now)
    green["story"]["passages"]["05-consumers"]["green"] = clock.now
    row = board.tell(green, "réseau", "Ada")
    assert row.state(clock()) == "green"
    board.leave(green["token"], "Ada")
    assert row.state(clock()) == "silent"
    busy = board.tell(frame("Blaise", clock), "réseau", "Blaise")
    assert busy.state(clock()) == "busy"
    clock.now += SILENT_SECONDS + 1
    assert busy.state(clock()) == "silent"


def test_the_yellow_paper_comes_first_then_silence_then_red(board, clock):
    row = board.tell(frame("Ada", clock, red=clock.now, stuck=clock.now), "réseau", "Ada")
    assert row.state(clock()) == "stuck"
    row.story.stuck = None
    assert row.state(clock()) == "red"
    row.away = clock.now
    assert row.state(clock()) == "silent"


def test_a_full_network_only_takes_its_own_places(board, clock, monkeypatch):
    monkeypatch.setattr(board_module, "MOST_ROWS_OF_A_NETWORK", 3)
    board.tell(frame("Ada", clock), "salle", "Ada")
    board.leave(frame("Ada", clock)["token"], "Ada")
    for rank in range(3):
        board.tell(frame(f"Intrus {rank}", clock), "ailleurs", rank)
    with pytest.raises(Unreadable, match="pleine"):
        board.tell(frame("Intrus 3", clock), "ailleurs", 3)
    board.leave(frame("Intrus 1", clock)["token"], 1)
    board.tell(frame("Intrus 3", clock), "ailleurs", 3)
    assert [row.name for row in board.rows.values()] == ["Ada", "Intrus 0", "Intrus 2", "Intrus 3"]


def test_the_room_is_where_half_of_it_is_not_done(board, clock):
    for rank, name in enumerate("ABCD"):
        told = frame(name, clock)
        told["story"]["before"] = STEPS[: rank + 1]
        board.tell(told, "réseau", name)
    assert [board.done(step) for step in STEPS] == [4, 3, 2, 1]
    assert board.here(STEPS) == "06-console"
    assert board.here(STEPS[:2]) == "04-routing"
    assert board.ready("05-consumers") == [2, 3, 4]
    assert board.ready("03-settings") == [1, 2, 3, 4]


def test_the_most_frequent_cause_comes_first_with_its_usual_goal(board, clock):
    causes = itertools.chain(
        itertools.repeat(("misspelt", "test_echo"), 3),
        [("misspelt", "test_room"), ("missing-sign", "test_echo"), ("", "test_echo")],
    )
    for rank, (code, goal) in enumerate(causes):
        board.tell(frame(f"P{rank}", clock, red=1e9, code=code, goal=goal), "réseau", rank)
    board.leave(frame("P0", clock)["token"], 0)
    assert board.causes() == [
        (("05-consumers", "misspelt", "test_echo"), 3),
        (("05-consumers", "missing-sign", "test_echo"), 1),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"token": "court"},
        {"token": "x" * 65},
        {"token": None},
        {"name": 3},
        {"name": "\u202e"},
        {"now": "midi"},
        {"now": float("nan")},
        {"now": 10**400},
        {"story": None},
    ],
    ids=str,
)
def test_a_crooked_frame_is_refused_and_changes_nothing(board, clock, change):
    with pytest.raises(Unreadable):
        board.tell(frame("Ada", clock) | change, "réseau", "Ada")
    for whole in (None, [], 3, "bonjour"):
        with pytest.raises(Unreadable):
            board.tell(whole, "réseau", "Ada")
    assert not board.rows and not board.number
