"""Un programme né d'un autre se conduit comme un programme : son code, son journal, sa fin."""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from workshop.chapters.steps import find_step
from workshop.project.files import hides_a_package
from workshop.project.serving import Server
from workshop.system import nursed
from workshop.system.processes import project_environment

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="un processus ne se duplique sans risque que sous Linux"
)


@pytest.fixture(scope="module")
def prise():
    """La prise du processus qui fait naître les autres, quand il est prêt."""
    address = nursed.start(sys.executable)
    deadline = time.monotonic() + 30
    while not os.path.exists(address) and time.monotonic() < deadline:  # noqa: PTH110
        time.sleep(0.05)
    yield address
    nursed.stop(sys.executable)


@pytest.fixture
def run(prise, tmp_path):
    """Fait naître un programme d'une ligne ; renvoie le processus et son journal."""
    made = []

    def run(code: str):
        (tmp_path / "programme.py").write_text(code, "utf-8")
        log = tmp_path / "journal.txt"
        with log.open("wb") as written:
            made.append(
                nursed.Nursed(
                    prise, tmp_path, project_environment(), ["programme.py"], written.fileno()
                )
            )
        return made[-1], log

    yield run
    for process in made:
        process.stdin.close()


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("print('bonjour')", 0, "bonjour"),
        ("import sys; sys.exit(3)", 3, ""),
        ("raise SystemExit('au revoir')", 1, "au revoir"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os; print(os.getcwd(), flush=True); os.kill(os.getpid(), 9)", -9, "/"),
    ],
)
def test_its_code_and_its_log_are_those_of_a_program(code, status, said, run):
    process, log = run(code)
    assert process.wait(10) == status
    assert process.poll() == status
    assert said in log.read_text("utf-8")


def test_it_runs_until_it_is_killed(run):
    process, _ = run("import time; time.sleep(60)")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.kill()
    assert process.wait(10) == -signal.SIGKILL


def test_it_dies_with_whoever_asked_for_it(run):
    process, _ = run("import time; time.sleep(60)")
    born = psutil.Process(process.pid)
    process.stdin.close()
    born.wait(10)


def test_a_server_is_born_from_it_and_serves_the_same_project(prise, tmp_path, monkeypatch):
    project = tmp_path / "live"
    shutil.copytree(find_step("09").solution, project)
    monkeypatch.setenv(nursed.ADDRESS, prise)
    with Server(project) as server:
        assert isinstance(server.process, nursed.Nursed)
        assert "Mot de passe" in server.page("/admin/login/").text
        server.restart()
        assert "Mot de passe" in server.page("/admin/login/").text
        pid = server.process.pid
    assert not psutil.pid_exists(pid)


def test_a_project_that_hides_a_package_is_started_from_nothing(prise, tmp_path, monkeypatch):
    project = tmp_path / "live"
    shutil.copytree(find_step("05").solution, project)
    assert not hides_a_package(project)
    (project / "channels").mkdir()
    (project / "channels/__init__.py").write_text("", "utf-8")
    assert hides_a_package(project)
    monkeypatch.setenv(nursed.ADDRESS, prise)
    with pytest.raises(Exception, match="ne démarre pas"), Server(project):
        pytest.fail("le vrai paquet a servi")


def test_without_it_a_server_starts_all_the_same(tmp_path, monkeypatch):
    project = tmp_path / "live"
    shutil.copytree(find_step("02").solution, project)
    monkeypatch.setenv(nursed.ADDRESS, str(tmp_path / "personne"))
    with Server(project) as server:
        assert isinstance(server.process, subprocess.Popen)
