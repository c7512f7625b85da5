"""La comparaison avec une solution : elle montre ce qui compte, et se tait sur le reste."""

import shutil
import subprocess
import sys
from itertools import pairwise

import pytest

from workshop.chapters.steps import Delete, Rename, all_steps, find_step
from workshop.commands import cli as commands
from workshop.project.comparing import differences, differences_panel

CHAT, SETTINGS = "chat/consumers.py", "live/settings.py"


@pytest.fixture
def project(tmp_path):
    """Le projet de quelqu'un qui a fini l'étape 06."""
    project = tmp_path / "live"
    shutil.copytree(find_step("06").solution, project)
    return project


def change(project, path, old, new):
    text = (project / path).read_text("utf-8")
    assert old in text
    (project / path).write_text(text.replace(old, new), "utf-8")


def panel(found):
    return differences_panel(found).renderables[0].plain


def compared(project):
    return differences(project, find_step("06").solution)


@pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.slug)
def test_a_solution_equals_itself(step):
    assert differences(step.solution, step.solution) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (CHAT, "class Chat", "# À moi\n# encore\n\nclass Chat"),
        (CHAT, "await self.accept()", "await self.accept()  # enfin"),
        (CHAT, "await self.accept()", "\n\n        await self.accept()   "),
        (CHAT, "\n", "\r\n"),
        (CHAT, "    ", "  "),
        (CHAT, '"Anonymous troll"', "'Anonymous troll'"),
        (CHAT, 'f"Bienvenue {self.name} !"', "f'Bienvenue {self.name} !'"),
        (SETTINGS, "'", '"'),
        (SETTINGS, "celle-de-votre-projet-est-tiree-au-hasard", "x#y=1"),
        (SETTINGS, "using Django 5.2.19", "using Django 5.2.99"),
        ("requirements.txt", "daphne", "# le serveur\n\ndaphne"),
        ("console.js", "ws.onm", "// à moi\nws.onm"),
        ("console.js", '"', "'"),
    ],
)
def test_what_does_not_matter_is_not_shown(project, path, old, new):
    change(project, path, old, new)
    assert compared(project) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (CHAT, "await self.accept()", "self.accept()"),
        (CHAT, "Anonymous troll", "Anonymous  troll"),
        (CHAT, "{self.name} !", "{self.name}!"),
        (CHAT, 'f"Bienvenue', '"Bienvenue'),
        (CHAT, "        await self.accept()", "    await self.accept()"),
        (SETTINGS, "    'chat',\n", ""),
        (SETTINGS, "'fr-fr'", "'fr'"),
        (SETTINGS, "'fr-fr'", "('fr-fr',)"),
        ("requirements.txt", "daphne==4.2.3", "daphne==4.2.2"),
        ("console.js", "poneys", "licornes"),
    ],
)
def test_what_matters_is_shown(project, path, old, new):
    change(project, path, old, new)
    assert [(file.path, file.state) for file in compared(project)] == [(path, "changed")]


def test_both_sides_are_shown_with_what_is_around(project):
    change(project, "chat/routing.py", "{1,90}", "+")
    (file,) = compared(project)
    assert [(line.sign, line.text) for line in file.lines if line.sign != " "] == [
        ("-", '    re_path(r"^chat/(?P<room>[-a-zA-Z0-9_]+)/$", ChatConsumer.as_asgi()),'),
        ("+", '    re_path(r"^chat/(?P<room>[-a-zA-Z0-9_]{1,90})/$", ChatConsumer.as_asgi()),'),
    ]
    assert "websocket_urlpatterns = [" in [line.text for line in file.lines]
    assert [line.number for line in file.lines if line.sign == "-"] == [7]


def test_quotes_inside_a_string_are_not_confused(project):
    change(project, CHAT, '"Anonymous troll"', '''"l'autre"''')
    assert [line.text.strip() for line in compared(project)[0].lines if line.sign == "-"] == [
        '''self.name = "l'autre"'''
    ]


def test_a_missing_file_is_shown_whole(project):
    (project / "console.js").unlink()
    (file,) = compared(project)
    text = (find_step("06").solution / "console.js").read_text("utf-8")
    assert file.state == "missing"
    assert [line.text for line in file.lines] == text.splitlines()


def test_what_is_mine_alone_is_named_and_not_shown(project):
    (project / "idées.py").write_text("secret = 1\n", "utf-8")
    (project / ".env").write_text("", "utf-8")
    for folder in ("mon env", ".venv"):
        (project / folder).mkdir()
        (project / folder / "pyvenv.cfg").write_text("", "utf-8")
    for left in ("db.sqlite3", "chat/__pycache__/consumers.cpython-311.pyc"):
        (project / left).parent.mkdir(exist_ok=True)
        (project / left).write_bytes(b"\xff")
    text = panel(compared(project))
    assert text == "À vous seul\u00a0: idées.py\n"


def test_the_secret_key_is_never_shown(project):
    change(project, SETTINGS, "celle-de-votre-projet-est-tiree-au-hasard", "mot-de-passe")
    change(project, SETTINGS, "DEBUG = True", "DEBUG = False")
    text = panel(compared(project))
    assert "SECRET_KEY = …" in text and "mot-de-passe" not in text


@pytest.mark.parametrize("text", ["(((", "'''", "classe Chat:\n  \tdef", "\ufeff", "é\x00"])
def test_a_broken_file_is_compared_too(project, text):
    (project / CHAT).write_text(text, "utf-8")
    assert compared(project)[0].state == "changed"


def test_one_missing_bracket_is_one_difference(project):
    change(
        project,
        CHAT,
        "self.channel_name)\n        await self.accept()",
        "self.channel_name\n        await self.accept()",
    )
    signs = [line.sign for line in compared(project)[0].lines]
    assert (signs.count("-"), signs.count("+")) == (1, 1)


def test_an_unreadable_encoding_is_a_difference(project):
    (project / "requirements.txt").write_bytes("Django".encode("utf-16"))
    assert [file.path for file in compared(project)] == ["requirements.txt"]


def test_an_empty_folder_lacks_everything(tmp_path):
    assert {file.state for file in compared(tmp_path)} == {"missing"}


@pytest.mark.parametrize(("before", "step"), list(pairwise(all_steps())), ids=lambda s: s.slug)
def test_a_step_differs_from_the_one_before(before, step):
    found = differences(before.solution, step.solution)
    gone = {act.path for act in step.acts if isinstance(act, Delete | Rename)}
    assert found and {file.path for file in found if file.state == "extra"} <= gone


def test_a_formatted_project_is_the_same(project):
    pytest.importorskip("ruff", reason="ruff manque : requirements-dev.txt")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", str(project)]
    subprocess.run(command, check=True, capture_output=True)
    assert (project / SETTINGS).read_text("utf-8").count('"') > 50
    assert compared(project) == []


def type_command(number, solution):
    arguments = ["solution", number, "--projet", str(find_step(solution).solution)]
    commands.cli.main(arguments, standalone_mode=False)


def test_the_command_counts_and_says_how_to_catch_up(capsys):
    type_command("5", "04")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("4 fichiers diffèrent de la solution de l'étape 05.")
    assert last.endswith("atelier.py rattraper 06")


def test_after_the_last_step_the_command_names_the_folder(capsys):
    before, step = all_steps()[-2:]
    type_command(step.slug, before.slug)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f"de l'étape {step.slug[:2]}. Elle est dans solutions/{step.slug}.")


def test_the_command_says_when_all_is_the_same(capsys):
    type_command("5", "05")
    assert "celui de la solution de l'étape 05" in capsys.readouterr().out
