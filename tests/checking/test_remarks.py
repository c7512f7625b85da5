"""Ce dont Django avertit, dit en français ; et rien de plus."""

import sys

import pytest

from tests.mistakes import contents
from workshop.chapters.steps import all_steps, find_step
from workshop.checking.remarks import remarks
from workshop.project.files import copy_project


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "live"
    copy_project(find_step("09").solution, folder)
    return folder


def add(path, text):
    path.write_text(path.read_text("utf-8") + text, "utf-8")


@pytest.mark.parametrize("step", all_steps()[1:], ids=lambda step: step.slug)
def test_nothing_is_said_of_our_solutions(step):
    assert remarks(step.solution, sys.executable) == []


def test_a_warning_of_django_is_said_with_its_code(project):
    add(project / "live/settings.py", "\nSTATICFILES_DIRS = ['nulle_part']\n")
    said = remarks(project, sys.executable)
    assert len(said) == 1
    assert said[0].startswith("Django avertit : ") and said[0].endswith("(staticfiles.W004)")
    assert "nulle_part" in said[0]


def test_a_missing_migration_is_said_and_nothing_is_written(project):
    add(project / "chat/models.py", "\n\nclass Guest(models.Model):\n    pass\n")
    before = contents(project)
    said = remarks(project, sys.executable)
    assert contents(project) == before
    assert len(said) == 1 and "Guest" in said[0] and "makemigrations" in said[0]


def test_a_project_that_does_not_start_has_no_remark(project, tmp_path):
    (project / "live/settings.py").write_text("nulle part\n", "utf-8")
    assert remarks(project, sys.executable) == []
    assert remarks(tmp_path, sys.executable) == []
    assert remarks(project, str(tmp_path / "python")) == []
