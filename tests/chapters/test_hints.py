"""Les indices : un à la fois, dans l'ordre du chapitre, et l'on se souvient de ceux qu'on a lus."""

import io
import json
import re

import pytest
from rich.console import Console

from workshop.basics import WorkshopError
from workshop.chapters.hints import Hint, Prose, hints, next_hint
from workshop.chapters.steps import Step, all_steps, find_step
from workshop.checking import checking
from workshop.checking.checking import Goal, Report
from workshop.commands import main as commands
from workshop.system import memory
from workshop.system.memory import keep

pytestmark = pytest.mark.usefixtures("own_progress")
STEPS = pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.slug)


def shown(markdown: str, terminal: bool, **options) -> list[str]:
    output = io.StringIO()
    console = Console(file=output, width=40, force_terminal=terminal, **options)
    console.print(Prose(markdown))
    return output.getvalue().splitlines()


@STEPS
def test_every_hint_of_a_chapter_can_be_reached(step):
    text = step.chapter.read_text("utf-8")
    part = text.split("\n## Indices\n")[1].split("\n## ")[0]
    seen = []
    for goal, found in hints(step).items():
        for rank, hint in enumerate(found, 1):
            assert next_hint(step, goal, goal) == (hint, rank, len(found))
            assert hint.title.startswith(f"Indice {rank}\u00a0: ")
            assert hint.body in part and "<" not in hint.title
            seen.append(hint)
    assert len(seen) == part.count("<summary>") > 0


@STEPS
def test_a_hint_has_its_own_text_and_no_other(step):
    for found in hints(step).values():
        for hint in found:
            assert hint.body and "details>" not in hint.body and "### " not in hint.body


def test_the_last_hint_stays():
    step, goal = find_step("05"), "Tout le salon entend, et lui seul"
    ranks = [next_hint(step, "test_room", goal)[1:] for _ in range(4)]
    assert ranks == [(1, 2), (2, 2), (2, 2), (2, 2)]


def test_each_goal_has_its_own_count():
    step = find_step("05")
    next_hint(step, "test_room", "Tout le salon entend, et lui seul")
    assert next_hint(step, "test_echo", "Ce que l'on dit revient, précédé de son nom")[1] == 1
    kept = json.loads((memory.PROGRESS / "hints").read_text("utf-8"))
    assert kept == {"05-consumers": {"test_room": 1, "test_echo": 1}}


def test_a_damaged_memory_starts_again():
    keep("hints", '{"05-cons')
    assert next_hint(find_step("05"), "test_room", "Tout le salon entend, et lui seul")[1] == 1


def test_a_goal_without_hints_sends_back_to_the_chapter():
    with pytest.raises(WorkshopError, match=r"steps/05-consumers/README\.md"):
        next_hint(find_step("05"), "test_dance", "Le salon danse")


def test_a_summary_is_read_as_text(tmp_path):
    folder = tmp_path / "07-essai"
    folder.mkdir()
    (folder / "README.md").write_text(
        "# 07 · Essai\n\n### Un but\n\nD'un autre endroit.\n\n## Indices\n\n### Un but\n\n"
        "<details><summary>Indice 1 : <code>&lt;room&gt;</code> &amp; co</summary>\n\n"
        "Un.\n\n```python\n### pas un titre\n```\n\n</details>\n\n## En 2016\n",
        "utf-8",
    )
    body = "Un.\n\n```python\n### pas un titre\n```"
    assert hints(Step(folder)) == {"Un but": [Hint("Indice 1 : <room> & co", body)]}


def test_without_a_terminal_the_markdown_stays_as_it_is():
    assert shown("`chat` et [.venv]", terminal=False) == ["`chat` et [.venv]"]


def test_a_terminal_does_not_cut_before_a_colon():
    lines = shown(
        "Une phrase assez longue qui finirait là\u00a0: `ici`", terminal=True, no_color=True
    )
    assert "là\u00a0:" in lines[1] and all("\ue000" not in line for line in lines)


@pytest.fixture
def type_command(monkeypatch, capsys):
    """Tape la commande sur un projet dont le but a cet état ; renvoie ce qu'elle affiche."""

    def type_command(number, goal_text, state):
        report = Report("", [Goal("test_goal", goal_text, state, None)])
        monkeypatch.setattr(checking, "check", lambda *arguments: report)
        commands.cli.main(["indice", number], standalone_mode=False)
        return re.sub(" +\n", "\n", capsys.readouterr().out)

    return type_command


def test_the_command_names_the_goal_and_gives_a_hint(type_command):
    goal = "Le projet démarre et la page `/admin/login/` répond"
    said = type_command("02", goal, "failed")
    assert f"✘ {goal}\n\n    Indice 1\u00a0: où est manage.py (sur 2)\n    Dans le term" in said
    assert said.endswith("atelier.py indice 02\n")
    assert type_command("02", goal, "failed").endswith("atelier.py solution 02\n")


def test_a_goal_that_could_not_be_checked_has_its_hints_too(type_command):
    goal = "Une voix venue du navigateur se fait entendre dans le salon `poneys`"
    assert "Indice 1\u00a0: que dit la console" in type_command("06", goal, "skipped")


def test_when_all_is_green_the_command_names_the_next_chapter(type_command):
    assert "steps/02-startproject/README.md" in type_command("01", "Un but", "passed")
    assert "C'était la dernière" in type_command(all_steps()[-1].slug[:2], "Un but", "passed")
