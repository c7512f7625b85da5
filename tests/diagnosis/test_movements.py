"""Chaque ligne d'une solution a son mouvement, et un projet dit jusqu'où il en est."""

import shutil

import pytest

from workshop.chapters.replay import apply
from workshop.chapters.steps import all_steps
from workshop.diagnosis.edits import edits
from workshop.diagnosis.movements import brought_by, reached, to_read_again
from workshop.diagnosis.naming import Naming

STEPS = all_steps()
OURS = Naming(STEPS[0].solution)


def test_each_solution_is_further_than_the_one_before():
    acts = [reached(step.solution, OURS) for step in STEPS]
    assert acts == sorted(acts) and len({*acts}) == len(acts)


@pytest.mark.parametrize("step", STEPS[2:], ids=lambda step: step.slug)
def test_what_separates_two_steps_is_of_the_second(step):
    before = STEPS[step.number - 2].solution
    here = reached(before, OURS)
    brought = [brought_by(edit, OURS) for edit in edits(before, step.solution)]
    new = [movement for movement in brought if movement and movement.act > here]
    assert new and {movement.step.slug for movement in new} == {step.slug}
    # Le reste : des lignes que le chapitre retire, ou que d'autres avaient déjà.
    assert len(new) >= len(brought) / 2


def test_a_chapter_followed_act_by_act_is_never_ahead_of_itself(tmp_path):
    step, project = STEPS[4], tmp_path / "live"
    shutil.copytree(STEPS[3].solution, project)
    first, before = reached(project, OURS), sum(len(one.acts) for one in STEPS[:4])
    for rank, act in enumerate(step.acts, 1):
        apply(act, project, step.slug)
        assert reached(project, OURS) <= before + rank
    assert reached(project, OURS) > first


def test_a_line_written_twice_is_read_again_where_it_was_written_last(tmp_path):
    step, project = STEPS[4], tmp_path / "live"
    shutil.copytree(step.solution, project)
    routing = project / "chat/routing.py"
    routing.write_text(routing.read_text("utf-8").replace("websocket_url", "url"), "utf-8")
    (edit,) = edits(project, step.solution)
    assert brought_by(edit, OURS).step == STEPS[3]
    again = to_read_again(edit, OURS, step)
    assert (again.step.slug, again.number) == (step.slug, "5")
