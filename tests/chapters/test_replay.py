"""Le rejeu : ce qu'il fait d'un chapitre, et chaque erreur qu'il nomme."""

import re

import pytest

from workshop.chapters import replay
from workshop.chapters.replay import ReplayError, patched
from workshop.chapters.steps import ChapterError, Delete, Patch, Rename, Run, Step, Stop, Write

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
    assert step.acts[5].terminal == "serveur"
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
