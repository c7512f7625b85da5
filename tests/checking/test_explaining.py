"""Du but rouge aux mots : la place est celle qui répare, et une règle qui se trompe se tait."""

import itertools
import shutil
import sys
from pathlib import Path

import pytest

from tests.checking.test_steps import EQUIVALENT
from workshop.chapters.replay import apply
from workshop.chapters.steps import find_step
from workshop.checking.checking import check
from workshop.checking.explaining import SECONDS, explain, principal, somewhere
from workshop.diagnosis.edits import Edit
from workshop.diagnosis.finding import Finding, Suspicion
from workshop.project.naming import rename

STEP = find_step("05")
CONSUMERS = "chat/consumers.py"
OBSERVED = "On a observé ceci."


@pytest.fixture
def project(tmp_path) -> Path:
    shutil.copytree(STEP.solution, tmp_path / "live")
    return tmp_path / "live"


def change(project: Path, file: str, good: str, bad: str) -> int:
    """Change un fichier ; renvoie la ligne de ce changement."""
    text = (project / file).read_text("utf-8")
    assert text.count(good) == 1
    (project / file).write_text(text.replace(good, bad), "utf-8")
    return text[: text.index(good)].count("\n") + 1


def explained(project: Path, *findings: Finding, goal: str = "test_welcome", **options):
    suspicion = Suspicion(OBSERVED, findings, **options)
    return explain(STEP, goal, project, project, sys.executable, suspicion)


def test_a_rule_is_heard_only_where_its_place_mends(project):
    line = change(project, CONSUMERS, "await self.accept()", "self.accept()")
    wrong = Finding("wrong", "Une cause fausse.", CONSUMERS, line + 9)
    elsewhere = Finding("elsewhere", "Une autre cause fausse.", "live/settings.py", 3)
    right = Finding("right", "Il manque await.", CONSUMERS, line)
    found, search = explained(project, wrong, elsewhere, right)
    assert (found.code, found.cause, found.line) == ("right", "Il manque await.", line)
    assert search.checks <= 4 and search.spent < SECONDS


def test_words_without_a_place_take_the_one_that_mends(project):
    line = change(project, CONSUMERS, "await self.accept()", "self.accept()")
    found, _ = explained(project, Finding("right", "Il manque quelque chose."))
    assert (found.code, found.file, found.line) == ("right", CONSUMERS, line)


def test_without_words_the_place_and_what_to_read_again(project):
    line = change(project, CONSUMERS, "Bienvenue {self.name}", "Bonjour {self.name}")
    found, _ = explained(project)
    assert (found.code, found.file, found.line) == ("read-again", CONSUMERS, line)
    assert found.observed == OBSERVED
    assert "le mouvement 1 du chapitre 05" in found.cause
    assert "Bienvenue" not in found.cause


@pytest.mark.parametrize("files", [(CONSUMERS,), (CONSUMERS, "chat/routing.py")])
def test_a_part_not_reduced_in_time_is_a_file_or_nothing(project, files):
    part = [Edit(file, "changed", rank, rank + 1) for file in files for rank in (4, 9)]
    found = somewhere(part, Suspicion(OBSERVED), project)
    alone = len(files) == 1
    assert (found.code, found.file) == (("somewhere", CONSUMERS) if alone else ("unknown", None))
    assert found.observed == OBSERVED and found.line is None


def test_of_one_place_the_line_that_is_written_is_shown_whatever_the_order(project):
    part = [Edit("chat/consumers.py", "changed", 6, end, ("x = 1",)) for end in (6, 7)]
    part.append(Edit("chat/consumers.py", "changed", 6, 6, ("y = 1",), rank=2))
    for some in itertools.permutations(part):
        assert principal(some, Suspicion("rien"), project).end == 7


def test_when_nothing_mends_only_what_is_outside_is_heard(project):
    inside = Finding("inside", "Une cause.", CONSUMERS, 3)
    outside = Finding("outside", "Redis ne répond pas.", outside=True)
    found, _ = explained(project, inside, outside)
    assert (found.code, found.file) == ("outside", None)
    found, _ = explained(project, inside, places=((CONSUMERS, 3),))
    assert (found.code, found.cause, found.line) == ("unknown", None, 3)


def test_what_is_not_yet_written_is_no_fault(tmp_path):
    project = tmp_path / "live"
    shutil.copytree(find_step("04").solution, project)
    report = check(STEP, project, sys.executable)
    assert report.diagnosis.code == "not-written"
    assert "le mouvement 1 du chapitre 05 (« Saluer »)" in report.diagnosis.cause.replace(
        "\u00a0", " "
    )
    assert report.diagnosis.file is None
    assert report.search.checks == 0


def test_a_chapter_followed_act_by_act_hears_of_no_fault_but_the_one_it_makes(tmp_path):
    project = tmp_path / "live"
    shutil.copytree(find_step("04").solution, project)
    codes = []
    for act in STEP.acts:
        before = {path: path.read_bytes() for path in project.rglob("*.py")}
        apply(act, project, STEP.slug)
        if before != {path: path.read_bytes() for path in project.rglob("*.py")}:
            report = check(STEP, project, sys.executable)
            codes.append(report.diagnosis.code if report.red else None)
    # Celui que le chapitre fait oublier exprès.
    codes.remove("coroutine-not-awaited")
    assert {*codes} == {"not-written", None}


def test_a_proposal_can_prove_itself_in_a_project_written_in_another_way(project):
    (project / CONSUMERS).write_text(EQUIVALENT["synchrone"][1], "utf-8")
    good = "        async_to_sync(self.channel_layer.group_add)(self.salon, self.channel_name)"
    line = change(
        project,
        CONSUMERS,
        good,
        "        self.channel_layer.group_add(self.salon, self.channel_name)",
    )
    cured = Finding("cured", "Il manque async_to_sync.", CONSUMERS, line, mend=good)
    found, search = explained(project, cured, goal="test_echo")
    assert (found.code, found.line) == ("cured", line)
    assert search.checks <= 2


def test_the_names_of_the_project_are_its_own(project):
    rename(project, {"live": "config", "chat": "tchat"})
    line = change(project, "tchat/consumers.py", "await self.accept()", "self.accept()")
    report = check(STEP, project, sys.executable)
    assert (report.diagnosis.file, report.diagnosis.line) == ("tchat/consumers.py", line)
