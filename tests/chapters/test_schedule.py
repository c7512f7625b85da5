"""Les horaires s'additionnent, avec les minutes des chapitres et de vraies réserves."""

import re

import pytest

from workshop.basics import ROOT, WorkshopError
from workshop.chapters import schedule
from workshop.chapters.schedule import (
    CLOSING,
    DAY,
    FOURTH_DAY,
    HALF_DAY,
    MEAL,
    MEASURES,
    OPENING,
    SECOND_DAY,
    START,
    THIRD_DAY,
    Slot,
    agenda,
    boundaries,
    clock,
    compared,
    counted,
    slots,
    table,
    weighed,
)
from workshop.chapters.steps import Step, all_steps, find_step

PLANS = pytest.mark.parametrize("plan", schedule.PLANS.values(), ids=schedule.PLANS)
DAYS = (DAY, SECOND_DAY, THIRD_DAY)


def rows(plan) -> list[tuple[int, str, int]]:
    """Renvoie les lignes du tableau : l'heure, en minutes depuis minuit, quoi, et les minutes."""
    found = re.findall(r"^\| (\d+)\u00a0h\u00a0(\d\d) \| (.+) \| (\d*) ?\|$", table(plan), re.M)
    return [(int(h) * 60 + int(m), what, int(n or 0)) for h, m, what, n in found]


def reserves(plan) -> list[int]:
    """Renvoie les minutes de chaque réserve."""
    return [slot.minutes for slot in slots(plan) if "réserve" in slot.what.lower()]


@PLANS
def test_each_hour_is_the_one_before_and_its_minutes(plan):
    lines = rows(plan)
    assert len(lines) == len(plan) + 1
    now = START
    for hour, _, minutes in lines:
        assert hour == now
        now += minutes
    assert lines[-1][1:] == ("Fin", 0)
    assert table(plan).endswith(f"En tout\u00a0: {clock(now - START)}.")


@PLANS
def test_a_step_has_its_chapter_and_its_minutes(plan):
    shown = {what: minutes for _, what, minutes in rows(plan)}
    for number in (one for one in plan if isinstance(one, str)):
        step = find_step(number)
        title = f"[{number} · {step.title}]({step.shown_chapter})"
        assert shown[title] == step.minutes


def test_the_minutes_are_those_of_the_chapters(monkeypatch):
    plan = ("03", Slot("Pause", 15))
    step = find_step("03")
    monkeypatch.setitem(step.__dict__, "minutes", 95)
    monkeypatch.setattr(schedule, "find_step", lambda number: step)
    assert [hour for hour, *_ in rows(plan)] == [9 * 60, 10 * 60 + 35, 10 * 60 + 50]


def steps(*plans) -> list[str]:
    """Renvoie les numéros des étapes de ces horaires, dans l'ordre."""
    return [one for plan in plans for one in plan if isinstance(one, str)]


def test_the_days_are_the_parcours_and_the_half_day_the_end_of_the_first():
    numbers = [step.slug[:2] for step in all_steps()]
    assert steps(*DAYS, FOURTH_DAY) == numbers[:16]
    assert steps(DAY) == numbers[:6]
    assert steps(HALF_DAY) == numbers[2:6]


def test_it_opens_once_and_every_day_closes():
    assert HALF_DAY[1] is DAY[1] is OPENING
    assert all(plan[-1] is CLOSING for plan in schedule.PLANS.values())


def test_a_half_day_is_three_hours_and_a_half_at_most():
    assert sum(slot.minutes for slot in slots(HALF_DAY)) <= 3.5 * 60
    assert reserves(HALF_DAY) == [15]


@pytest.mark.parametrize("plan", DAYS, ids=["première", "deuxième", "troisième"])
def test_a_day_ends_before_half_past_five(plan):
    assert rows(plan)[-1][0] <= 17.5 * 60
    meal = plan.index(MEAL)
    welcome = 30 if plan is DAY else 20
    assert (reserves(plan[:meal]), reserves(plan[meal:])) == ([welcome, 15], [15])


@PLANS
def test_nobody_sits_for_two_hours(plan):
    sitting = 0
    for slot in slots(plan):
        sitting = 0 if slot.what in ("Pause", "Repas") else sitting + slot.minutes
        assert sitting < 120, slot


@pytest.mark.parametrize(("minutes", "words"), [(540, "9 h 00"), (725, "12 h 05"), (205, "3 h 25")])
def test_an_hour_is_written_as_in_french(minutes, words):
    assert clock(minutes) == words.replace(" ", "\u00a0")


@pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.slug)
def test_a_chapter_announces_the_minutes_of_what_it_asks(step):
    assert abs(step.minutes / weighed(counted(step)) - 1) <= 0.1
    assert step.minutes <= 90


def test_what_is_typed_given_or_optional_weighs_its_own(tmp_path):
    folder = tmp_path / "05-essai"
    folder.mkdir()
    typed = "**`a.py`**\n\n```python\nx = 1\n\ny = 2\n```\n\n"
    given = (
        "**`b.py`**\n\n<details><summary>Le fichier fourni</summary>\n\n```python\nz = 3\n```\n\n"
    )
    given += "</details>\n\n"
    asked = "<details><summary>Ce que l'on voit</summary>\n\nUn mot.\n\n</details>\n\n"
    typing = "**Terminal «\u00a0projet\u00a0»**\n\n```bash\npython a.py\n```\n\n"
    moves = f"## Point de départ\n\n## 1. Écrire\n\n{typed}{given}{asked}{typing}"
    text = f"# 05 · Essai\n\n{moves}## 2. Plus loin (facultatif)\n\n{typed}## À vous\n\n{asked}"
    (folder / "README.md").write_text(text, "utf-8")
    found = counted(Step(folder))
    del found["mot lu"]
    assert found == {
        "ligne écrite": 2,
        "ligne fournie": 1,
        "endroit changé": 2,
        "commande": 1,
        "prévision": 1,
    }


def test_the_boundaries_are_those_of_the_guide():
    guide = (ROOT / "ANIMER.md").read_text("utf-8")
    told = {
        "demi-journee": "demi-journée",
        "journee": "première journée",
        "deuxieme-journee": "deuxième journée",
        "troisieme-journee": "troisième journée",
    }
    for name, words in told.items():
        (cell,) = re.findall(rf"^\| {words} \| (.*) \|$", guide, re.M)
        assert boundaries(schedule.PLANS[name]) == re.findall(r"\*\*(\d\d)\*\*", cell)


@PLANS
def test_the_agenda_is_the_table(plan):
    lines = [(hour, what) for hour, what, _ in rows(plan)[:-1]]
    assert [(at, slot.what) for at, slot, _ in agenda(plan)] == lines
    assert [number for _, _, number in agenda(plan, 0) if number] == steps(plan)
    assert agenda(plan, 0)[0][0] == 0


def measured(*lines: str) -> str:
    return "\ufeff" + "\r\n".join([";".join(MEASURES), *lines, "", "étape;cause", "05;misspelt"])


def test_announced_minutes_stand_beside_measured_ones():
    text = measured("05;9:00;9:40;9:50;2;61,5;12", "06;;;;0;;0")
    assert compared(text) == [("05", find_step("05").minutes, 61.5, 12)]


@pytest.mark.parametrize(
    "text",
    ["étape,début\n05,9:00\n", measured("05;9:00;9:40;9:50;2;vite;12")],
)
def test_a_csv_of_something_else_is_a_sentence(text):
    with pytest.raises(WorkshopError, match="n'est pas celui"):
        compared(text)
