"""L'histoire de quelqu'un : elle ne perd rien, et ne croit rien de travers."""

import json

import pytest

from workshop.room.story import LONGEST_AGO, Story, Unreadable, clean_name

STEPS = ["03-settings", "04-routing", "05-consumers", "06-console"]


def lived() -> Story:
    """Une matinée : 03 fait, 04 rouge puis vert, 05 rouge."""
    story = Story("03-settings", ["02-startproject"])
    story.begin("03-settings", 100)
    story.judge("03-settings", "pp", "", "", True, 700)
    story.begin("04-routing", 710)
    for now in (800, 860):
        story.judge("04-routing", "pfw", "test_origin", "missing-sign", False, now)
    story.judge("04-routing", "pfw", "test_origin", "misspelt", False, 900)
    story.judge("04-routing", "ppp", "", "", True, 1000)
    story.begin("05-consumers", 1010)
    story.judge("05-consumers", "fww", "test_welcome", "misspelt", False, 1100)
    return story


def test_a_story_keeps_the_hours_and_counts_each_fault_once():
    story = lived()
    assert (story.step, story.goals, story.goal) == ("05-consumers", "fww", "test_welcome")
    assert (story.verdicts, story.red, story.last) == (6, 1100, 1100)
    routing = story.passages["04-routing"]
    assert (routing.began, routing.green) == (710, 1000)
    assert routing.codes == {"missing-sign": 1, "misspelt": 1}
    assert [step for step in STEPS if story.is_done(step)] == STEPS[:2]


def test_red_lasts_until_green_and_green_takes_the_yellow_paper_away():
    story = lived()
    story.stuck = 1150
    story.judge("05-consumers", "pfw", "test_echo", "other-group", False, 1200)
    assert (story.red, story.stuck) == (1100, 1150)
    story.judge("05-consumers", "ppp", "", "", True, 1300)
    assert (story.red, story.stuck, story.code) == (None, None, "")
    assert story.passages["05-consumers"].green == 1300
    story.judge("05-consumers", "fpp", "test_welcome", "misspelt", False, 1400)
    assert story.passages["05-consumers"].green == 1300 and story.red == 1400


def test_what_could_not_be_judged_is_neither_red_nor_green():
    story = lived()
    story.judge("05-consumers", "ppps", "", "", None, 1200)
    assert story.red is None and not story.is_done("05-consumers")


def test_catching_up_is_no_work_and_can_be_undone():
    story = Story("03-settings")
    story.begin("03-settings", 0)
    story.catch_up("05-consumers", 50)
    # `suivre` voit encore l'étape d'avant, que la sauvegarde vient de rendre verte.
    story.judge("04-routing", "ppp", "", "", True, 60)
    assert (story.step, story.verdicts) == ("05-consumers", 1)
    assert "04-routing" not in story.passages
    assert story.is_done("04-routing") and not story.is_done("05-consumers")
    story.go_back()
    assert not story.is_done("04-routing")


def test_a_story_survives_the_wire_and_another_clock():
    story = lived()
    there = Story.from_json(json.loads(json.dumps(story.as_json())), ["02-startproject", *STEPS])
    assert there == story
    shifted = Story.from_json(story.as_json(), STEPS, shift=5000, now=10_000)
    assert shifted.passages["04-routing"].green == 6000
    assert shifted.before == []
    late = Story.from_json(story.as_json(), STEPS, shift=-LONGEST_AGO * 9, now=1e6)
    assert late.red == 1e6 - LONGEST_AGO
    assert Story.from_json(story.as_json(), STEPS, shift=9e9, now=1e6).red == 1e6


def changed(**changes) -> dict:
    return lived().as_json() | changes


PASSAGE = {"began": 1, "green": None, "caught": None, "codes": {}}


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        "05-consumers",
        {},
        changed(step="99-fin"),
        changed(step=["05-consumers"]),
        changed(step={}),
        changed(before=None),
        changed(verdicts=True),
        changed(verdicts=-1),
        changed(verdicts=10**9),
        changed(verdicts=1.5),
        changed(last="hier"),
        changed(red=float("nan")),
        changed(stuck=float("inf")),
        changed(red=10**400),
        changed(goals="<b>"),
        changed(goals="p" * 61),
        changed(goal="<script>"),
        changed(goal="a" * 121),
        changed(code="<img src=x>"),
        changed(code="Missing Sign"),
        changed(code=7),
        changed(passages=[]) | {"passages": ["05-consumers"]},
        changed(passages={"05-consumers": None}),
        changed(passages={"05-consumers": {}}),
        changed(passages={"05-consumers": PASSAGE | {"codes": {"=HYPERLINK()": 1}}}),
        changed(passages={"05-consumers": PASSAGE | {"codes": {"misspelt": "1"}}}),
        changed(passages={"05-consumers": PASSAGE | {"codes": {f"c{n}": 1 for n in range(21)}}}),
    ],
)
def test_whatever_is_crooked_is_refused(found):
    with pytest.raises(Unreadable):
        Story.from_json(found, STEPS, now=2000)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \n Lovelace\t", "Ada Lovelace"),
        ("Éloïse", "Éloïse"),
        ("Zoe\u0301", "Zoé"),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
        ("adm\u202enimda", "adm nimda"),
        ("A\u200bda", "A da"),
        ("a" * 500, "a" * 40),
        ("x" + "\u0334" * 200, "x\u0334"),
        ("王小明", "王小明"),
        ("🦄 Ada", "🦄 Ada"),
    ],
)
def test_a_name_is_what_can_be_shown(typed, shown):
    assert clean_name(typed) == shown


@pytest.mark.parametrize("typed", ["", "   ", "\u200b\u202e", "…", "\u0301\u0301", "🦄"])
def test_a_name_has_at_least_a_letter(typed):
    with pytest.raises(Unreadable):
        clean_name(typed)
