"""Les chapitres ont la même forme, et chaque système y trouve ses commandes."""

import pytest

from workshop.chapters.steps import Run, all_steps

OPENING = ["Ce que l'on construit", "Point de départ"]
CLOSING = ["Comprendre", "À vous", "Vérifier", "Indices", "En 2016", "À retenir"]
CHAPTERS = pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.slug)


@CHAPTERS
def test_headings(step):
    headings = step.headings("h2")
    movements = headings[len(OPENING) : -len(CLOSING)]
    assert headings == OPENING + movements + CLOSING
    assert [heading.split(".")[0] for heading in movements] == [
        str(rank) for rank in range(1, len(movements) + 1)
    ]
    assert step.headings("h1")[0].startswith(f"{step.slug[:2]} · ")
    assert step.minutes and step.summary


@CHAPTERS
def test_windows_has_its_commands(step):
    for act in step.acts:
        if isinstance(act, Run):
            for command in act.commands:
                differs = command.startswith(("python3", "source"))
                assert bool(act.powershell) or not differs, f"ligne {act.line} : {command}"
            if act.terminal == "atelier":
                assert act.powershell == [
                    command.replace("python3 ", "py ", 1) for command in act.commands
                ]


@CHAPTERS
def test_it_ends_on_a_check(step):
    checks = [act for act in step.acts if isinstance(act, Run) and act.terminal == "atelier"]
    assert checks[-1].commands == [f"python3 atelier.py verifier {step.slug[:2]}"]
