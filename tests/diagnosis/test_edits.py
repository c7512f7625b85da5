"""Ce qui sépare un projet d'une solution : appliqué en entier, il n'en reste rien."""

import shutil
from itertools import permutations
from pathlib import Path

import pytest

from workshop.chapters.steps import all_steps
from workshop.diagnosis.edits import apply, covers, edits, reads

STEPS = all_steps()
CONSUMERS = "chat/consumers.py"


@pytest.fixture
def project(tmp_path):
    """Le chat de l'étape 05, que chacun peut casser."""
    shutil.copytree(STEPS[4].solution, tmp_path / "live")
    return tmp_path / "live"


def change(project: Path, file: str, *changes: tuple[str, str]) -> None:
    text = (project / file).read_text("utf-8")
    for good, bad in changes:
        assert good in text
        text = text.replace(good, bad)
    (project / file).write_text(text, "utf-8")


def found(project: Path) -> list:
    return edits(project, STEPS[4].solution)


@pytest.mark.parametrize(
    ("one", "other"), [*permutations((2, 4, 5, 7, 9), 2)], ids=lambda number: f"{number:02}"
)
def test_everything_applied_nothing_is_left(one, other, tmp_path):
    project, solution = tmp_path / "live", STEPS[other - 1].solution
    shutil.copytree(STEPS[one - 1].solution, project)
    separating = edits(project, solution)
    assert separating and reads(separating, project)
    apply(separating, project)
    assert edits(project, solution) == []


def test_a_solution_is_not_separated_from_itself(project):
    change(
        project,
        CONSUMERS,
        ('"chat-"', "'chat-'"),
        ("await self.accept()", "await self.accept()  # !"),
    )
    assert found(project) == []


def test_two_wrong_lines_are_two_edits_each_at_its_place(project):
    change(
        project,
        CONSUMERS,
        ("await self.accept()", "self.accept()"),
        ('await self.send(f"Bienvenue', 'self.send(f"Bienvenu'),
    )
    lines = (project / CONSUMERS).read_text("utf-8").splitlines()
    assert [lines[edit.start].strip()[:9] for edit in found(project)] == ["self.acce", "self.send"]


def test_two_methods_that_are_missing_are_two_edits(project):
    text = (project / CONSUMERS).read_text("utf-8")
    (project / CONSUMERS).write_text(text[: text.index("    async def chat_message")], "utf-8")
    firsts = [edit.lines[0].strip() for edit in found(project)]
    assert firsts == ["async def chat_message(self, event):", "async def disconnect(self, code):"]


def test_a_file_elsewhere_is_moved_and_not_missing(project):
    (project / CONSUMERS).rename(project / "chat/consumer.py")
    (edit,) = found(project)
    assert (edit.state, edit.file, edit.moved) == ("missing", CONSUMERS, "chat/consumer.py")
    apply([edit], project)
    assert found(project) == []


def test_a_file_of_the_learner_can_be_done_without_whole_or_line_by_line(project):
    (project / "chat/notes.py").write_text("import os\nHERE = os.getcwd()\n", "utf-8")
    whole, *lines = found(project)
    assert [(edit.start, edit.end) for edit in (whole, *lines)] == [(0, 0), (0, 1), (1, 2)]
    apply(lines[1:], project)
    assert (project / "chat/notes.py").read_text("utf-8") == "import os\n"
    apply([whole], project)
    assert not (project / "chat/notes.py").exists()


def test_what_python_cannot_read_is_known_without_a_check(project):
    change(project, CONSUMERS, ("await self.accept()", "await self.accept("))
    (edit,) = found(project)
    assert reads([edit], project)
    change(project, CONSUMERS, ("    async def chat_message", "  async def chat_message"))
    assert not reads(found(project)[:1], project)


def test_what_python_reads_counts_the_lines_missing_at_the_top(project):
    (project / CONSUMERS).write_text("def connect(message):\n    pass\n", "utf-8")
    assert reads(found(project), project)


@pytest.mark.parametrize(
    ("line", "covered"),
    [("await self.accept(", True), ("async def connect", True), ("async def receive", False)],
)
def test_a_place_is_the_statement_of_an_edit_or_the_head_of_its_method(line, covered, project):
    change(project, CONSUMERS, ("        await self.accept()\n", "        await self.accept(x)\n"))
    lines = (project / CONSUMERS).read_text("utf-8").splitlines()
    number = next(rank for rank, text in enumerate(lines, 1) if line in text)
    (edit,) = found(project)
    assert covers(edit, CONSUMERS, number, project) is covered
    assert not covers(edit, "chat/routing.py", number, project)
