"""Ce que le tableau montre d'une cause : chaque code a un nom, un programme faux et un passage."""

import re

import pytest

from workshop.basics import ROOT
from workshop.chapters.steps import all_steps
from workshop.publishing.faults import FOLDER, LAST_BLOCK, example
from workshop.room.guide import NAMELESS, cause, cause_title, goal_sentence, to_cut

# Une place, et non un texte : le fichier est ailleurs, il n'y a pas de programme à montrer.
ELSEWHERE = re.compile("misplaced|nested|missing-migration|no-(?:static|template|test)|not-a-pack")


def codes() -> dict[tuple[str, str], str]:
    """Renvoie les causes que `verifier` peut donner, par étape et par code, et leur but."""
    found = {}
    for path in sorted(FOLDER.glob("*/*.md")):
        block = LAST_BLOCK.search(path.read_text("utf-8"))
        if block["code"]:
            found.setdefault((path.parent.name, block["code"]), block["goal"])
    return found


def test_every_cause_is_shown():
    bare, unsaid = [], []
    for (step, code), goal in codes().items():
        found = cause(step, code, goal)
        assert found and found.title and found.message
        assert code in NAMELESS or cause_title(step, code, goal) != code
        if not found.program and not ELSEWHERE.search(code):
            bare.append((step, code))
        if found.program:
            assert any(wrong for wrong, _ in found.program), (step, code)
            unsaid += [(step, code)] if not found.passage else []
    assert len(bare) <= 3, bare
    assert len(unsaid) <= 6, unsaid


def test_an_example_is_of_this_step_and_of_this_goal_if_there_is_one():
    for goal in ("test_echo", "test_welcome"):
        text = example("05-consumers", "coroutine-not-awaited", goal).read_text("utf-8")
        assert LAST_BLOCK.search(text)["goal"] == goal
    far = example("11-accounts", "missing-sign")
    assert far and LAST_BLOCK.search(far.read_text("utf-8"))["code"] == "missing-sign"
    assert example("05-consumers", "jamais-vu") is None
    assert cause("05-consumers", "jamais-vu") is None
    assert cause_title("05-consumers", "jamais-vu") == "jamais-vu"


def test_a_wrong_program_is_marked_where_it_is_wrong_and_only_there():
    found = cause("05-consumers", "coroutine-not-awaited", "test_echo")
    wrong = [line.strip() for bad, line in found.program if bad]
    assert wrong == ['self.send(event["text"])']
    assert found.movement == "05 · 3. Réunir"
    assert "<a " not in found.passage and "<img" not in found.passage


def test_the_sentence_of_a_goal_is_its_docstring_even_of_an_earlier_step():
    assert goal_sentence("05-consumers", "test_echo").startswith("Ce que l'on dit revient")
    assert goal_sentence("06-console", "05-consumers/test_echo").startswith("Ce que l'on dit")
    assert goal_sentence("05-consumers", "../../etc/test_echo") == ""
    assert goal_sentence("05-consumers", f"{ROOT}/steps/05-consumers/test_echo") == ""
    assert goal_sentence("05-consumers", "") == ""


@pytest.mark.parametrize(
    ("step", "late", "count"),
    [("05", 14, 0), ("05", 15, 1), ("05", 31, 2), ("05", 90, 3), ("08", 14, 0), ("08", 20, 1)],
)
def test_the_guide_says_what_to_cut(step, late, count):
    found = to_cut(step, late)
    assert len(found) == count
    guide = re.sub(r"[*`]", "", (ROOT / "ANIMER.md").read_text("utf-8"))
    assert all(cut in guide for cut in found)


def test_from_07_on_each_step_has_its_cuts():
    for step in all_steps():
        if 7 <= step.number <= 13:
            assert len(to_cut(step.slug, 60)) == 2
