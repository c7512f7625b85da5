"""Les fautes de l'étape 01 qui ne sont pas dans un fichier : l'environnement."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.mistakes import contents
from workshop.chapters.steps import find_step
from workshop.checking.checking import check
from workshop.project.python import project_python

STEP = find_step("01")


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "atelier é" / "live"
    shutil.copytree(STEP.solution, folder)
    return folder


def make_environment(folder):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)


def diagnosis(project):
    """Renvoie le diagnostic d'un projet ; lève AssertionError si la vérification y a écrit."""
    before = contents(project)
    report = check(STEP, project, project_python(project))
    assert contents(project) == before
    return report.diagnosis


def test_no_environment(project):
    found = diagnosis(project)
    assert found.code == "no-environment"
    assert "python3 -m venv --prompt live .venv" in found.cause


@pytest.mark.parametrize("name", ["venv", "env", "live/.venv"])
def test_an_environment_of_another_name(name, project):
    make_environment(project / name)
    found = diagnosis(project)
    assert found.code == "misplaced-environment"
    assert f"live/{name}," in found.cause


def test_a_folder_without_a_python(project):
    (project / ".venv").mkdir()
    assert diagnosis(project).code == "broken-environment"


@pytest.mark.skipif(os.name == "nt", reason="sous Windows, python.exe n'est pas un lien")
def test_an_environment_whose_python_is_gone(project):
    make_environment(project / ".venv")
    for path in (project / ".venv" / "bin").glob("python*"):
        path.unlink()
        path.symlink_to("/nulle/part/python")
    assert diagnosis(project).code == "broken-environment"


@pytest.mark.skipif(os.name == "nt", reason="un script ne tient pas lieu de python.exe")
def test_an_old_python(project):
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho '[3, 8]'\n", "utf-8")
    python.chmod(0o755)
    found = diagnosis(project)
    assert found.code == "old-python"
    assert "3.8" in found.cause


def test_nothing_installed(project):
    make_environment(project / ".venv")
    found = diagnosis(project)
    assert found.code == "not-installed"
    assert "pip install -r requirements.txt" in found.cause


def test_what_powershell_writes_is_not_utf_8(project):
    make_environment(project / ".venv")
    path = project / "requirements.txt"
    path.write_text(path.read_text("utf-8"), "utf-16")
    found = diagnosis(project)
    assert (found.code, found.file) == ("not-utf-8", "requirements.txt")
    assert "UTF-16" in found.cause


def test_an_environment_is_never_copied(project, tmp_path):
    from workshop.project.files import copy_project

    make_environment(project / "mon env")
    copy_project(project, tmp_path / "copie")
    assert not (tmp_path / "copie" / "mon env").exists()
