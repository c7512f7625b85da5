"""Le rattrapage : l'état voulu, sans rien perdre, et le chemin du retour."""

import errno
import io
import multiprocessing
import os
import random
import re
import shutil
import sys
import time
from contextlib import nullcontext
from itertools import permutations
from pathlib import Path

import pytest

from workshop.basics import WorkshopError
from workshop.chapters.steps import all_steps, find_step
from workshop.checking.checking import check
from workshop.commands import learning
from workshop.commands import main as commands
from workshop.project import catching_up
from workshop.project.catching_up import (
    Plan,
    carry_out,
    environment_ready,
    own_files,
    saves,
    to_begin,
    to_go_back,
)
from workshop.project.comparing import differences
from workshop.system import installing
from workshop.system.memory import keep, kept

pytestmark = pytest.mark.usefixtures("own_progress")
STEPS = all_steps()
CHAT, SETTINGS = "chat/consumers.py", "live/settings.py"


@pytest.fixture
def project(tmp_path):
    """Le projet de quelqu'un qui a fini l'étape 05, dans un dossier accentué."""
    project = tmp_path / "atelier é à" / "live"
    shutil.copytree(find_step("05").solution, project)
    return project


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in own_files(folder)}


def catch_up(number, project) -> Path:
    return carry_out(to_begin(find_step(number), project))


def test_the_check_of_the_step_before_is_green(project):
    catch_up("05", project)
    report = check(find_step("04"), project, sys.executable)
    assert report.passed, [goal for goal in report.goals if goal.state != "passed"]


def pytest_generate_tests(metafunc):
    if "start" in metafunc.fixturenames:
        pairs = travels(all_of_them=metafunc.config.getoption("tout"))
        metafunc.parametrize(("start", "step"), pairs, ids=lambda step: step.slug)


def travels(all_of_them):
    """D'une étape à ses voisines, à la première et à la dernière ; ou à toutes les autres."""
    ends = (STEPS[0], STEPS[-1])
    return [
        (start, step)
        for start, step in permutations(STEPS, 2)
        if all_of_them or abs(start.number - step.number) == 1 or step in ends
    ]


def test_from_any_state_to_any_step_and_back(start, step, tmp_path):
    project = tmp_path / "live"
    shutil.copytree(start.solution, project)
    before = content(project)
    catch_up(step.slug, project)
    if step.number > 1:
        solution = STEPS[step.number - 2].solution
        assert own_files(project) == own_files(solution)
        assert not differences(project, solution)
    else:
        assert own_files(project) == []
    carry_out(to_go_back(project))
    assert content(project) == before


def test_the_way_back_is_the_same_to_the_byte(project):
    (project / CHAT).write_bytes("# à moi\r\nprint('é')".encode("latin-1"))
    (project / "manage.py").chmod(0o755)
    (project / "notes").mkdir()
    (project / "notes" / "idées.txt").write_text("À faire", "utf-8")
    (project / "db.sqlite3").write_bytes(b"\0base")
    (project / "client.py").unlink()
    (project / "console.js").write_text("", "utf-8")
    before = content(project)
    for number in ("02", "06", "01"):
        catch_up(number, project)
        assert content(project) != before
        carry_out(to_go_back(project))
        assert content(project) == before
    if os.name != "nt":
        assert (project / "manage.py").stat().st_mode & 0o777 == 0o755


def test_the_way_back_can_be_undone_too(project):
    catch_up("02", project)
    after = content(project)
    carry_out(to_go_back(project))
    carry_out(to_go_back(project))
    assert content(project) == after


def test_what_is_mine_is_left(project):
    mine = {"idées.txt": b"1", "db.sqlite3": b"2", "chat/moi.py": b"3", ".venv/pyvenv.cfg": b"4"}
    for name, text in mine.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(text)
    catch_up("01", project)
    assert all((project / name).read_bytes() == text for name, text in mine.items())
    assert own_files(project) == ["chat/moi.py", "db.sqlite3", "idées.txt"]


def test_a_file_that_does_not_change_keeps_its_date(project):
    os.utime(project / "manage.py", (1, 1))
    catch_up("05", project)
    assert (project / "manage.py").stat().st_mtime == 1


def test_folders_left_empty_go_away(project):
    (project / "chat" / "__pycache__").mkdir()
    catch_up("02", project)
    assert not (project / "chat").exists() and not (project / "live").exists()


@pytest.mark.parametrize("line", ["SECRET_KEY = 'à-moi#1'", 'SECRET_KEY="à-moi#1"  # l\'une'])
def test_my_secret_key_is_kept(project, line):
    text = (project / SETTINGS).read_text("utf-8")
    (project / SETTINGS).write_text(re.sub("SECRET_KEY = .*", line, text), "utf-8", newline="\r\n")
    catch_up("04", project)
    text = (project / SETTINGS).read_text("utf-8")
    assert "SECRET_KEY = 'à-moi#1'\n" in text and text.count("SECRET_KEY") == 1


def test_without_a_secret_key_a_new_one_is_drawn(tmp_path):
    texts = []
    for name in ("un", "deux"):
        catch_up("04", tmp_path / name)
        texts.append((tmp_path / name / SETTINGS).read_text("utf-8"))
    assert texts[0] != texts[1] and "tiree-au-hasard" not in texts[0] + texts[1]


def test_the_save_is_the_whole_project_but_what_can_be_made_again(project):
    for name in (".venv/lib/a.py", "mon env/pyvenv.cfg", "chat/__pycache__/a.pyc", "db.sqlite3"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("", "utf-8")
    before = content(project)
    saved = catch_up("03", project)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d\dh\d\dm\d\d", saved.name)
    assert content(saved) == before and "db.sqlite3" in before
    assert not [name for name in before if "env" in name or "__pycache__" in name]


def test_a_save_never_replaces_another(project, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda form: "2026-01-02-10h00m00")
    names = [catch_up(number, project).name for number in ("03", "04", "05")]
    assert names == [f"2026-01-02-10h00m00{end}" for end in ("", "-2", "-3")]
    assert len(list(saves().iterdir())) == 3


def test_the_current_step_follows(project):
    keep("step", "06-console")
    catch_up("03", project)
    assert kept("step") == "03-settings"
    carry_out(to_go_back(project))
    assert kept("step") == "06-console"


def test_a_missing_project_is_made(tmp_path):
    catch_up("06", tmp_path / "live")
    assert not differences(tmp_path / "live", find_step("05").solution)


def test_nothing_to_do_is_known(project):
    catch_up("06", project)
    assert not to_begin(find_step("06"), project)


def test_a_file_is_not_a_project(tmp_path):
    (tmp_path / "live").write_text("", "utf-8")
    with pytest.raises(WorkshopError, match="n'est pas un dossier"):
        to_begin(find_step("03"), tmp_path / "live")


@pytest.mark.skipif(os.name == "nt", reason="un lien demande des droits sous Windows")
def test_a_linked_folder_is_not_written_through(project, tmp_path):
    shutil.move(project / "chat", tmp_path / "ailleurs")
    (project / "chat").symlink_to(tmp_path / "ailleurs")
    with pytest.raises(WorkshopError, match="est un lien vers un autre dossier"):
        to_begin(find_step("03"), project)


def test_a_read_only_file_is_no_obstacle(project):
    before = content(project)
    for name in (CHAT, SETTINGS):
        (project / name).chmod(0o444)
    catch_up("03", project)
    carry_out(to_go_back(project))
    assert content(project) == before


def test_where_a_file_cannot_be_replaced_it_is_written(project, monkeypatch):
    def refuse(self, target):
        raise PermissionError(errno.EACCES, "Accès refusé", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    catch_up("05", project)
    assert not differences(project, find_step("04").solution)
    assert not list(project.rglob("*.en-cours"))


def test_a_full_disk_during_the_save_changes_nothing(project, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = content(project)
    monkeypatch.setattr(shutil, "copy2", full)
    with pytest.raises(WorkshopError, match=r"rien n'a changé.* le disque est plein"):
        catch_up("03", project)
    assert content(project) == before and list(saves().iterdir()) == []


def test_a_full_disk_during_the_changes_leaves_the_save(project, monkeypatch):
    def full(self, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = content(project)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(WorkshopError, match=r"le disque est plein.* intact dans .*\d\dm\d\d"):
            catch_up("03", project)
    carry_out(to_go_back(project))
    assert content(project) == before


def come_and_go(project):
    while True:
        catch_up("04", project)
        carry_out(to_go_back(project))


@pytest.mark.skipif(os.name == "nt", reason="fork et SIGKILL n'existent pas sous Windows")
def test_a_kill_leaves_no_half_of_anything(project):
    before = content(project)
    after = content(find_step("03").solution)
    after[SETTINGS] = to_begin(find_step("04"), project).state[SETTINGS]
    for _ in range(12):
        child = multiprocessing.get_context("fork").Process(target=come_and_go, args=(project,))
        child.start()
        time.sleep(random.uniform(0.02, 0.1))
        child.kill()
        child.join()
        for name, text in content(project).items():
            assert text in (before.get(name), after.get(name)), name
        assert all(content(saved) in (before, after) for saved in saves().glob("2*"))
        catch_up("06", project)
        assert content(project) == before
        shutil.rmtree(saves())


def test_an_environment_is_ready_when_its_python_has_the_packages(tmp_path):
    assert not environment_ready(wanting(tmp_path, "channels==4.3.2"))
    python = tmp_path / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.parent.mkdir(parents=True)
    python.write_text("pas un programme", "utf-8")
    assert not environment_ready(wanting(tmp_path, "channels==4.3.2"))


def test_an_environment_without_what_the_step_adds_is_not_ready(tmp_path, monkeypatch):
    monkeypatch.setattr(catching_up, "project_python", lambda project: sys.executable)
    assert environment_ready(wanting(tmp_path, "channels==4.3.2\ndaphne==4.2.3\n"))
    assert not environment_ready(wanting(tmp_path, "channels==4.3.2\npaquet-absent==1.0\n"))


def wanting(project: Path, requirements: str) -> Plan:
    """Un plan qui donne au projet ce `requirements.txt`."""
    state = {"requirements.txt": requirements.encode()}
    return Plan(project, state, project, "13-tests", [], [], [])


def test_a_missing_environment_is_made_with_its_packages(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(installing, "lock", nullcontext)
    monkeypatch.setattr(installing, "run", lambda command: asked.append(command) or 0)
    monkeypatch.setattr(installing, "install", lambda *names, python: asked.append(names))
    catching_up.make_environment(tmp_path)
    options = ["--clear", "--prompt", tmp_path.name]
    assert asked[0][1:] == ["-m", "venv", *options, str(tmp_path / ".venv")]
    assert asked[1] == (str(tmp_path / "requirements.txt"),)


def type_command(*arguments):
    commands.cli.main(["rattraper", *arguments], standalone_mode=False)


@pytest.fixture
def live(project, monkeypatch):
    """Le projet, pris pour celui de l'atelier ; son environnement est prêt."""
    monkeypatch.setattr(learning, "LIVE", project)
    monkeypatch.setattr(catching_up, "environment_ready", lambda plan: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return project


def test_the_command_changes_and_comes_back(live, capsys):
    before = content(live)
    type_command("3", "--oui")
    said = capsys.readouterr().out.replace("\u00a0", " ")
    assert "à retirer (9) : chat/__init__.py" in said
    assert re.search(
        r"est dans .*sauvegardes/\S+ ; pour le remettre : .* rattraper --annuler", said
    )
    assert said.endswith("Prêt à commencer l'étape 03 : ouvrez steps/03-settings/README.md\n")
    type_command("--annuler", "--oui")
    assert content(live) == before


@pytest.mark.parametrize(("answer", "changed"), [("o", True), ("OUI", True), ("", False)])
def test_the_command_asks_first(live, monkeypatch, answer, changed):
    before = content(live)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{answer}\n"))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    with nullcontext() if changed else pytest.raises(SystemExit):
        type_command("3")
    assert (content(live) != before) is changed


def test_without_a_terminal_nothing_is_written(live):
    before = content(live)
    with pytest.raises(WorkshopError, match="Ajoutez --oui"):
        type_command("3")
    assert content(live) == before and not saves().exists()


def test_the_database_is_not_forgotten(live, capsys):
    type_command("6", "--oui")
    assert "python manage.py migrate" in capsys.readouterr().out
    type_command("5", "--oui")
    assert "python manage.py migrate" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "Dites quelle étape commencer"),
        (["05", "--annuler"], "Dites quelle étape commencer"),
        (["42"], "Il n'y a pas d'étape"),
        (["--annuler"], "Il n'y a pas de sauvegarde à remettre"),
    ],
)
def test_a_wrong_command_is_a_sentence(live, arguments, sentence):
    with pytest.raises(WorkshopError, match=sentence):
        type_command(*arguments)
