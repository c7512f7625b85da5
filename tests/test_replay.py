"""Le rejeu : ce qu'il fait d'un chapitre, et chaque erreur qu'il nomme."""

import os
import re
import shutil
import stat
from pathlib import Path

import pytest

from workshop import replay
from workshop.chapters import ChapterError, Delete, Patch, Rename, Run, Step, Stop, Write, all_steps
from workshop.replay import ReplayError, patched

NB = "\u00a0"


@pytest.fixture
def chapter(tmp_path):
    """Écrit un chapitre et renvoie son étape."""

    def write(text: str) -> Step:
        folder = tmp_path / "07-essai"
        folder.mkdir(exist_ok=True)
        (folder / "README.md").write_text(text, "utf-8")
        return Step(folder)

    return write


def block(info: str, content: str) -> str:
    return f"```{info}\n{content}\n```\n"


def test_acts(chapter):
    step = chapter(
        "\n".join(
            [
                "# 07 · Essai\n",
                "Un bloc sans légende ne touche à rien :\n",
                block("python", "import this"),
                "**`chat/a.py`**\n",
                block("python", "a = 1"),
                "**`chat/a.py`**\n",
                block("diff", "-a = 1\n+a = 2"),
                f"**Terminal «{NB}projet{NB}»**\n",
                block("bash", "python client.py") + block("powershell", "py client.py"),
                "<details><summary>Ce que l'on voit</summary>\n",
                block("text", "sans Origin : HTTP 404"),
                "</details>\n",
                "Renommez **`chat/a.py`** en **`chat/b.py`**.\n",
                "Supprimez le fichier **`chat/b.py`**.\n",
                f"Arrêtez le serveur{NB}: **Ctrl-C** dans le terminal «{NB}serveur{NB}».\n",
                "**`chat/style.css`**\n",
                "<details><summary>fichier fourni</summary>\n",
                block("css", "body {}"),
                "</details>\n",
            ]
        )
    )
    kinds = [type(act) for act in step.acts]
    assert kinds == [Write, Patch, Run, Rename, Delete, Stop, Write]
    run = step.acts[2]
    assert (run.terminal, run.commands, run.powershell) == (
        "projet",
        ["python client.py"],
        ["py client.py"],
    )
    assert run.output == "sans Origin : HTTP 404\n"


def test_replay_writes_patches_renames_and_deletes(chapter, tmp_path):
    project = tmp_path / "live"
    step = chapter(
        "**`a/b.txt`**\n\n"
        + block("text", "un\ndeux")
        + "\n**`a/b.txt`**\n\n"
        + block("diff", " un\n-deux\n+trois\n@@\n un\n+et demi")
        + "\nRenommez **`a/b.txt`** en **`c/d.txt`**.\n"
        + "\n**`e.txt`**\n\n"
        + block("text", "rien")
        + "\nSupprimez le fichier **`e.txt`**.\n"
    )
    replay.replay(step, project)
    assert (project / "c/d.txt").read_bytes() == b"un\net demi\ntrois\n"
    assert not (project / "e.txt").exists() and not (project / "a/b.txt").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("**`a.py`**\n\nDu texte.\n", "aucun bloc de code ne suit"),
        ("**Terminal « projet »**\n\n## Titre\n", "aucun bloc de code ne suit"),
        ("- **`a.py`**\n", "dans une liste"),
        ("> **`a.py`**\n>\n> ```python\n> a\n> ```\n", "une citation"),
        ("<details>\n\n**`a.py`**\n\n```python\na\n```\n\n</details>\n", "replié"),
        ("**`a.py`** :\n\n```python\na\n```\n", "ressemble à une légende"),
        ("**`a.py`, la suite**\n\n```python\na\n```\n", "ressemble à une légende"),
        ("**Terminal projet**\n\n```bash\nls\n```\n", "ressemble à une légende"),
        ("**Terminal « client »**\n\n```bash\nls\n```\n", "ressemble à une légende"),
        ("Terminal « projet »\n\n```bash\nls\n```\n", "ressemble à une légende"),
        ("`a.py`\n\n```python\na\n```\n", "ressemble à une légende"),
        ("**chat/a.py**\n\n```python\na\n```\n", "ressemble à une légende"),
        ("*`a.py`*\n\n```python\na\n```\n", "ressemble à une légende"),
        ("### **`a.py`**\n\n```python\na\n```\n", "un titre"),
        ("**Terminal « projet »**\n\n```python\na\n```\n", "sont un bloc `bash`"),
        ("**Terminal « projet »**\n\n```powershell\nls\n```\n", "sont un bloc `bash`"),
    ],
)
def test_a_lost_caption_is_an_error(chapter, text, message):
    with pytest.raises(ChapterError, match=message) as error:
        chapter("Un paragraphe.\n\n" + text).acts  # noqa: B018
    assert re.match(r"07-essai, ligne [35]\s:", str(error.value))


def test_a_diff_names_the_lines_that_are_missing():
    with pytest.raises(ReplayError, match=r"ici.*trouvé 0 fois.*\nabsent\n"):
        patched("un\ndeux\n", "-absent\n+présent\n", "ici")


def test_a_diff_matches_whole_lines_and_only_once():
    with pytest.raises(ReplayError, match="trouvé 2 fois"):
        patched("un\nun\n", " un\n+deux\n", "ici")
    with pytest.raises(ReplayError, match="trouvé 0 fois"):
        patched("    un\n", "-un\n+deux\n", "ici")


def test_a_diff_needs_context():
    with pytest.raises(ReplayError, match="pas de contexte"):
        patched("un\n", "+deux\n", "ici")
    with pytest.raises(ReplayError, match="ne commence ni par"):
        patched("un\n", "un\n+deux\n", "ici")


def test_a_patch_to_a_missing_file_names_the_chapter(chapter, tmp_path):
    step = chapter("**`absent.py`**\n\n" + block("diff", " un\n+deux"))
    with pytest.raises(ReplayError, match="07-essai, ligne 1"):
        replay.replay(step, tmp_path)


@pytest.fixture
def workshop_copy(tmp_path, monkeypatch):
    """Une copie du dépôt dont on peut changer les chapitres et les solutions."""
    for name in ("steps", "solutions"):
        shutil.copytree(replay.ROOT / name, tmp_path / name)
    shutil.copy(replay.ROOT / "README.md", tmp_path)
    monkeypatch.setattr(replay, "ROOT", tmp_path)
    monkeypatch.setattr("workshop.chapters.ROOT", tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_what_is_made_is_up_to_date():
    assert replay.stale() == []


def test_a_changed_solution_and_a_stray_file_are_named(workshop_copy):
    change(workshop_copy / "solutions/04-routing/chat/routing.py", "chat/", "salon/")
    (workshop_copy / "solutions/05-consumers/notes.txt").write_text("oubli", "utf-8")
    (workshop_copy / "solutions/06-console/console.js").unlink()
    stale = [
        "solutions/04-routing/chat/routing.py",
        "solutions/05-consumers/notes.txt",
        "solutions/06-console/console.js",
    ]
    assert replay.stale() == stale
    assert replay.rebuild() == stale
    assert replay.stale() == []


def test_a_table_out_of_date_is_named(workshop_copy):
    change(workshop_copy / "steps/03-settings/README.md", "**20 minutes**", "**25 minutes**")
    assert replay.stale() == ["README.md"]


def test_an_early_change_reaches_every_later_solution(workshop_copy):
    chapter = workshop_copy / "steps/03-settings/README.md"
    change(chapter, "+TIME_ZONE = 'Europe/Paris'", "+TIME_ZONE = 'Europe/Brussels'")
    later = [step.slug for step in all_steps() if step.number >= 3]
    assert replay.rebuild() == [f"solutions/{slug}/live/settings.py" for slug in later]
    assert replay.stale() == []


def test_an_early_change_that_a_later_diff_needed_names_that_diff(workshop_copy):
    chapter = workshop_copy / "steps/03-settings/README.md"
    change(chapter, "+ASGI_APPLICATION = 'live.asgi", "+ASGI_APPLICATION = 'live.entree")
    where = r"05-consumers, ligne \d+, live/settings.py.*trouvé 0 fois"
    with pytest.raises(ReplayError, match=where) as error:
        replay.stale()
    assert "ASGI_APPLICATION = 'live.asgi.application'" in str(error.value)


def test_files_left_by_a_run_do_not_count(workshop_copy):
    solution = workshop_copy / "solutions/05-consumers"
    (solution / "db.sqlite3").touch()
    (solution / "chat/__pycache__").mkdir()
    (solution / "chat/__pycache__/x.pyc").touch()
    assert replay.stale() == []


@pytest.mark.skipif(os.name == "nt", reason="un faux black en script shell")
def test_black_on_the_path_changes_nothing(tmp_path, monkeypatch):
    fake = tmp_path / "black"
    fake.write_text('#!/bin/sh\nfor f; do [ -f "$f" ] && echo \'# reformaté\' >> "$f"; done\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert replay.stale() == []


def test_migrations_are_dated_the_same(tmp_path, chapter):
    project = tmp_path / "live"
    project.mkdir()
    text = (
        "**Terminal « projet »**\n\n"
        + block("bash", "django-admin startproject live .\npython manage.py startapp chat")
        + "\n**`chat/models.py`**\n\n"
        + block("python", "from django.db import models\nclass Message(models.Model):\n    pass")
        + "\n**`live/settings.py`**\n\n"
        + block("diff", " INSTALLED_APPS = [\n+    'chat',")
        + "\n**Terminal « projet »**\n\n"
        + block("bash", "python manage.py makemigrations")
    )
    replay.replay(chapter(text), project)
    migration = (project / "chat/migrations/0001_initial.py").read_text("utf-8")
    assert f"on {replay.DATE}\n" in migration
