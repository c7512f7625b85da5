"""Ce que fait `construire` : chaque source changée nomme ce qu'elle périme, et lui seul."""

import json
import os
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from workshop.basics import ROOT, WorkshopError
from workshop.chapters import steps as chapters
from workshop.chapters.replay import ReplayError, replay
from workshop.chapters.steps import all_steps
from workshop.commands.main import cli
from workshop.publishing import cheatsheet, making, slides
from workshop.publishing.making import PRODUCTS, Product


@pytest.fixture
def workshop_copy(tmp_path, monkeypatch):
    """Une copie du dépôt dont on peut changer les sources et ce qu'elles font."""
    for name in ("steps", "solutions", "notebooks", "slides", "docs", "workshop"):
        ignored = shutil.ignore_patterns("node_modules")
        shutil.copytree(making.ROOT / name, tmp_path / name, ignore=ignored)
    for name in (
        "README.md",
        "ANIMER.md",
        "CONTRIBUER.md",
        "GLOSSAIRE.md",
        "AIDE-MEMOIRE.md",
        "FAUTES.md",
    ):
        shutil.copy(making.ROOT / name, tmp_path)
    for module in (making, chapters, cheatsheet, slides):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(making, "replay", replay_once)
    return tmp_path


REPLAYED = {}


def replay_once(step, project):
    """Rejoue un chapitre, ou redonne ce qu'il a déjà fait du même projet."""
    key = (step.chapter.read_bytes(), contents(project))
    if key not in REPLAYED:
        replay(step, project)
        REPLAYED[key] = contents(project)
    shutil.rmtree(project)
    for path, content in REPLAYED[key]:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_bytes(content)


def contents(project):
    files = sorted(path for path in project.rglob("*") if path.is_file())
    return tuple((path.relative_to(project), path.read_bytes()) for path in files)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_what_is_made_is_up_to_date():
    assert making.stale() == []


def test_a_changed_solution_and_a_stray_file_are_named(workshop_copy):
    change(workshop_copy / "solutions/04-routing/chat/routing.py", "chat/", "salon/")
    (workshop_copy / "solutions/05-consumers/notes.txt").write_text("oubli", "utf-8")
    (workshop_copy / "solutions/06-console/console.js").unlink()
    stale = [
        "solutions/04-routing/chat/routing.py",
        "solutions/05-consumers/notes.txt",
        "solutions/06-console/console.js",
    ]
    assert making.stale() == stale
    assert making.rebuild() == (stale, {})
    assert making.stale() == []


def test_a_table_and_the_schedules_out_of_date_are_named(workshop_copy):
    change(workshop_copy / "steps/03-settings/README.md", "**20 minutes**", "**25 minutes**")
    assert making.stale() == ["ANIMER.md", "CONTRIBUER.md", "README.md"]


@pytest.mark.parametrize("name", ["README.md", "ANIMER.md", "CONTRIBUER.md"])
def test_a_missing_mark_is_named(workshop_copy, name):
    mark = re.search(r"<!-- /[a-z-]+ -->", (workshop_copy / name).read_text("utf-8"))[0]
    change(workshop_copy / name, mark, "")
    with pytest.raises(WorkshopError, match=f"{name}.*{mark}"):
        making.stale()


def test_an_early_change_reaches_every_later_solution(workshop_copy, monkeypatch):
    monkeypatch.setattr(making, "PRODUCTS", [])
    chapter = workshop_copy / "steps/03-settings/README.md"
    change(chapter, "+TIME_ZONE = 'Europe/Paris'", "+TIME_ZONE = 'Europe/Brussels'")
    later = [step.slug for step in all_steps() if step.number >= 3]
    assert making.rebuild()[0] == [f"solutions/{slug}/live/settings.py" for slug in later]
    assert making.stale() == []


def test_an_early_change_that_a_later_diff_needed_names_that_diff(workshop_copy):
    chapter = workshop_copy / "steps/03-settings/README.md"
    change(chapter, "+ASGI_APPLICATION = 'live.asgi", "+ASGI_APPLICATION = 'live.entree")
    where = r"05-consumers, ligne \d+, live/settings.py.*trouvé 0 fois"
    with pytest.raises(ReplayError, match=where) as error:
        making.stale()
    assert "ASGI_APPLICATION = 'live.asgi.application'" in str(error.value)


def test_files_left_by_a_run_do_not_count(workshop_copy):
    solution = workshop_copy / "solutions/05-consumers"
    (solution / "db.sqlite3").touch()
    (solution / "chat/__pycache__").mkdir()
    (solution / "chat/__pycache__/x.pyc").touch()
    assert making.stale() == []


def test_a_sentence_to_remember_reaches_the_sheet_and_its_page(workshop_copy):
    change(workshop_copy / "steps/02-startproject/README.md", "Un port, un serveur.", "Un port !")
    assert making.stale() == ["AIDE-MEMOIRE.md", "docs/aide-memoire.pdf"]


def test_a_source_names_the_picture_that_shows_it_and_no_other(workshop_copy):
    change(workshop_copy / "workshop/demo/page.html", "Ce que lit une personne", "Ce qu'on lit")
    assert making.stale() == ["docs/chat.png"]


def test_a_chapter_names_the_picture_of_what_it_teaches(workshop_copy):
    change(workshop_copy / "steps/06-console/README.md", "Bonjour depuis le navigateur", "Bonjour")
    later = [step.slug for step in all_steps() if step.number >= 6]
    assert making.stale() == [
        *(f"solutions/{slug}/console.js" for slug in later),
        "docs/console.png",
        *(f"notebooks/{slug}.ipynb" for slug in later),
    ]


def test_a_cell_names_its_notebook_and_no_other(workshop_copy):
    change(workshop_copy / "steps/04-routing/notebook.py", "Salut les gens", "Bonjour")
    assert making.stale() == ["notebooks/04-routing.ipynb"]
    assert making.rebuild() == (["notebooks/04-routing.ipynb"], {})
    assert "Bonjour" in (workshop_copy / "notebooks/04-routing.ipynb").read_text("utf-8")
    assert making.stale() == []


def test_a_picture_retouched_by_hand_is_named(workshop_copy):
    with (workshop_copy / "docs/console.png").open("ab") as picture:
        picture.write(b"retouche")
    assert making.stale() == ["docs/console.png"]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.path)
def test_the_sources_are_files(product):
    assert [path for path in product.sources if not (making.ROOT / path).is_file()] == []


def test_a_stale_picture_is_made_once(workshop_copy, monkeypatch):
    made = []

    def make(path):
        made.append(path)
        path.write_bytes(b"une image")

    monkeypatch.setattr(making, "PRODUCTS", [Product("docs/new.png", make, ("README.md",))])
    assert making.rebuild() == (["docs/new.png"], {})
    assert making.rebuild() == ([], {})
    assert made == [workshop_copy / "docs/new.png"]


@pytest.mark.parametrize("missing", ["Playwright", "Chromium"])
def test_without_a_browser_what_needs_one_is_left(workshop_copy, monkeypatch, missing):
    if missing == "Playwright":
        monkeypatch.setitem(sys.modules, "playwright", None)
    else:
        pytest.importorskip("playwright", reason="Playwright manque : requirements-dev.txt")
        monkeypatch.setattr(shutil, "which", lambda name: None)
    run = CliRunner().invoke
    assert run(cli, ["construire"]).output == "Tout est à jour.\n"

    change(workshop_copy / "steps/02-startproject/README.md", "Un port, un serveur.", "Un port !")
    picture = (workshop_copy / "docs/aide-memoire.pdf").read_bytes()
    done = run(cli, ["construire"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0] == "refait : AIDE-MEMOIRE.md"
    assert lines[1].startswith("laissé : docs/aide-memoire.pdf, qui est périmé. ")
    assert missing in lines[1] and "installez" in lines[1]
    assert (workshop_copy / "docs/aide-memoire.pdf").read_bytes() == picture
    assert run(cli, ["construire", "--verifier"]).exit_code == 1


@pytest.mark.skipif(os.name == "nt", reason="un faux black en script shell")
def test_black_on_the_path_changes_nothing(tmp_path, monkeypatch):
    fake = tmp_path / "black"
    fake.write_text('#!/bin/sh\nfor f; do [ -f "$f" ] && echo \'# reformaté\' >> "$f"; done\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert making.stale() == []


def test_only_what_is_made_is_noted():
    noted = json.loads((ROOT / making.RECORD).read_text("utf-8"))
    assert set(noted) == {product.path for product in PRODUCTS}
