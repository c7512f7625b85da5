"""`emporter` : un kit complet, qui s'installe sans réseau, ou rien."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.test_launcher import make_wheel
from workshop.basics import ROOT, WorkshopError
from workshop.machine import kit
from workshop.project.python import project_python
from workshop.system import installing

BASE = str(Path(sys.executable).resolve())


def names(system, python, index=0):
    """Renvoie l'ensemble des paquets que le kit prend pour un système et un Python."""
    lists = kit.wanted_lists(kit.SYSTEMS[system][index], python)
    return {wanted.split("==")[0] for listed in lists.values() for wanted in listed}


def test_each_system_has_what_its_markers_ask_for():
    windows, macos, linux = (names(name, "3.12") for name in ("windows", "macos", "linux"))
    assert windows - linux == {"colorama", "pywinpty"}
    assert linux - windows == {"pexpect", "ptyprocess", "uvloop"}
    assert macos - linux == {"appnope"}


def test_each_python_has_what_its_markers_ask_for():
    assert names("linux", "3.11") - names("linux", "3.12") == {"async-timeout", "overrides"}
    wanted = kit.wanted_lists(kit.SYSTEMS["linux"][0], "3.11")
    soups = [one for listed in wanted.values() for one in listed if one.startswith("soupsieve")]
    assert len(set(soups)) == 2, "3.11.0 et 3.11.9 n'ont pas la même version de soupsieve"


def test_what_only_the_authors_install_is_left():
    # greenlet ne vient qu'avec playwright.
    assert names("linux", "3.12").isdisjoint({"ruff", "playwright", "greenlet"})
    assert names("linux", "3.12") >= {"django", "twisted", "jupyterlab", "fqdn", "picows"}


def test_a_wheel_is_downloaded_for_another_system(tmp_path, monkeypatch):
    constraints = tmp_path / "constraints.txt"
    pinned = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    wanted = [line for line in pinned if line.startswith(("cffi==", "pywinpty=="))]
    constraints.write_text("\n".join(wanted), "utf-8")
    monkeypatch.setattr(kit, "CONSTRAINTS", constraints)
    for system in ("windows", "macos"):
        for target in kit.SYSTEMS[system]:
            kit.download(tmp_path / "paquets", target, "3.13")
    found = sorted(path.name for path in (tmp_path / "paquets").iterdir())
    tags = [name.split("-cp313-", 1)[1] for name in found]
    assert len(found) == 4 and all("cp313" in tag for tag in tags)
    assert sum("win_amd64" in tag for tag in tags) == 2
    assert sum("arm64" in tag for tag in tags) == sum("x86_64" in tag for tag in tags) == 1


def test_a_package_that_does_not_exist_is_named(tmp_path, monkeypatch):
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("cffi==0.0.1\n", "utf-8")
    monkeypatch.setattr(kit, "CONSTRAINTS", constraints)
    with pytest.raises(WorkshopError, match=r"n'a pas cffi==0\.0\.1 pour Windows et Python 3\.12"):
        kit.download(tmp_path / "paquets", kit.SYSTEMS["windows"][0], "3.12")


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("[Errno 28] No space left on device", "La place manque : il reste {free} Mo dans {key}"),
        ("[Errno 30] Read-only file system: '/cle'", "ne peut pas s'écrire dans {key}"),
        ("ReadTimeoutError", "recommence le kit"),
        ("grenouille", "ERROR: grenouille"),
    ],
)
def test_a_download_that_fails_names_the_key(tmp_path, monkeypatch, why, words):
    said = f"WARNING: attention\nERROR: {why}\n\n"
    failed = subprocess.CompletedProcess([], 1, stderr=said)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    monkeypatch.setattr(installing, "free", lambda folder: 77 if folder == tmp_path else 88)
    with pytest.raises(WorkshopError, match=re.escape(words.format(free=77, key=tmp_path))):
        kit.download(tmp_path / "paquets", kit.SYSTEMS["windows"][0], "3.12")


def test_packages_are_downloaded_by_the_python_that_runs(tmp_path, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, stderr="")

    monkeypatch.setattr(sys, "executable", "/un/autre/python")
    monkeypatch.setattr(installing, "run", lambda command: 0)
    monkeypatch.setattr(subprocess, "run", run)
    kit.download(tmp_path / "paquets", kit.SYSTEMS["windows"][0], "3.12")
    assert asked[0][0] == "/un/autre/python"


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """Un kit dont le seul paquet est une brique."""
    monkeypatch.setattr(kit, "download", lambda folder, *_: make_wheel(folder, "brique"))
    return kit.pack(tmp_path / "la clé", ["linux"], ["3.12"], say=lambda words: None)


def test_the_kit_is_the_workshop_and_nothing_else(packed):
    for wanted in ("atelier.py", "steps/01-virtualenv/README.md", "solutions/05-consumers/live"):
        assert (packed / wanted).exists()
    for left in (".git", ".venv", ".atelier", "live", "carnets", "slides/node_modules"):
        assert not (packed / left).exists()
    assert not [*packed.rglob("__pycache__")]
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def test_the_start_page_leads_to_pages_that_are_there(packed):
    door = (packed / "COMMENCER.html").read_text("utf-8")
    assert 'url=pages/COMMENCER.html"' in door and 'href="pages/COMMENCER.html"' in door
    start = (packed / "pages" / "COMMENCER.html").read_text("utf-8")
    assert "Linux x86_64, avec Python 3.12" in start
    for page in ("README.html", "GLOSSAIRE.html", "steps/01-virtualenv/README.html"):
        assert f'href="{page}"' in start
        assert (packed / "pages" / page).is_file()


def test_the_line_of_chapter_01_finds_the_kit(packed, tmp_path):
    project = packed / "live"
    project.mkdir()
    (project / "requirements.txt").write_text("brique\n", "utf-8")
    subprocess.run([BASE, "-m", "venv", ".venv"], cwd=project, check=True)
    install = [project_python(project), "-m", "pip", "install", "-r", "requirements.txt"]
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_CONFIG_FILE": os.devnull}
    environment = {key: value for key, value in os.environ.items() if key[:4] != "PIP_"}
    done = subprocess.run(
        [*install, "-c", "../constraints.txt"],
        cwd=project,
        env=environment | nowhere,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert "Successfully installed brique-1" in done.stdout, done.stderr


def test_an_existing_folder_is_kept(tmp_path):
    (tmp_path / "clé").mkdir()
    with pytest.raises(WorkshopError, match="existe déjà"):
        kit.pack(tmp_path / "clé", ["linux"], ["3.12"])


def test_a_folder_of_the_workshop_is_refused():
    with pytest.raises(WorkshopError, match="dans l'atelier lui-même"):
        kit.pack(ROOT / "kit", ["linux"], ["3.12"])
    assert not [*ROOT.glob("kit*")]


def test_a_kit_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def cut(*_):
        raise WorkshopError("Le réseau ne répond pas.")

    monkeypatch.setattr(kit, "download", cut)
    with pytest.raises(WorkshopError, match="Le réseau"):
        kit.pack(tmp_path / "clé", ["linux"], ["3.12"], say=lambda words: None)
    assert not [*tmp_path.iterdir()]


def test_the_neighbours_of_the_kit_are_kept(tmp_path, monkeypatch):
    neighbour = tmp_path / "clé.en-cours" / "note.txt"
    neighbour.parent.mkdir()
    neighbour.write_text("à moi", "utf-8")
    monkeypatch.setattr(kit, "download", lambda folder, *_: make_wheel(folder, "brique"))
    kit.pack(tmp_path / "clé", ["linux"], ["3.12"], say=lambda words: None)
    assert neighbour.read_text("utf-8") == "à moi"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clé", "clé.en-cours"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "La place manque"),
        (errno.EROFS, "Le kit ne peut pas s'écrire"),
        (errno.EIO, "Cela n'a pas abouti"),
    ],
)
def test_a_copy_that_fails_is_one_sentence(tmp_path, monkeypatch, number, words):
    def fail(*_, **__):
        raise OSError(number, "oups")

    # `copytree` retient toutes ses erreurs dans une seule.
    monkeypatch.setattr(shutil, "copystat", fail)
    with pytest.raises(WorkshopError, match=words) as caught:
        kit.pack(tmp_path / "clé", ["linux"], ["3.12"], say=lambda words: None)
    assert str(caught.value).count("oups") == (words == "Cela n'a pas abouti")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--systemes", "amiga"], "« amiga »"), (["--pythons", "3.7"], "3.11,3.12")],
)
def test_an_unknown_choice_is_a_sentence(arguments, words, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "emporter", str(tmp_path / "clé"), *arguments],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 2
    assert words in done.stderr.replace("\u00a0", " ")
