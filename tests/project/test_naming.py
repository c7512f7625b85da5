"""Notre chat prend les noms de l'apprenant, et marche sous ces noms."""

import subprocess
import sys

import pytest

from workshop.chapters.steps import find_step
from workshop.mutants.mutation import with_tests_of
from workshop.project.files import copy_project
from workshop.project.naming import names_of, rename
from workshop.system.processes import project_environment

STEP = find_step("13")
THEIRS = {"live": "config", "chat": "salon"}


@pytest.fixture
def learner(tmp_path):
    """Un projet de l'étape 13, dont rien ne s'appelle comme chez nous."""
    folder = tmp_path / "learner" / "live"
    copy_project(STEP.solution, folder)
    rename(folder, THEIRS)
    return folder


def test_our_own_names_are_left(tmp_path):
    assert names_of(STEP.solution, "live.settings") == {}


def test_the_names_of_a_learner_are_found(learner):
    assert names_of(learner, "config.settings") == THEIRS


def test_a_renamed_chat_still_runs(learner):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=learner, env=project_environment()
    )
    assert done.returncode == 0
    assert '"chat.message"' in (learner / "salon/consumers.py").read_text("utf-8")


def test_what_is_broken_is_broken_under_the_names_of_the_learner(learner, tmp_path):
    def breaks(project):
        (project / "chat/consumers.py").write_text("broken = True\n", "utf-8")
        (project / "live/asgi.py").write_text("broken = True\n", "utf-8")

    mixed = with_tests_of(learner, STEP.solution, tmp_path / "mixed", breaks)
    for path in ("salon/consumers.py", "config/asgi.py"):
        assert (mixed / path).read_text("utf-8") == "broken = True\n"
    assert not (mixed / "chat").exists() and not (mixed / "live").exists()
    assert (mixed / "tests").is_dir()
