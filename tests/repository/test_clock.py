"""Les tests eux-mêmes : leur ordre, leur partage, ce qu'ils disent à mesure, leur forme rapide."""

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests import quick
from tests.networks import OwnNetwork, own_networks
from tests.progress import Progress
from workshop.basics import ROOT

SHARED = """
import pathlib, pytest

@pytest.fixture(scope="module")
def costly():
    with pathlib.Path("fois.txt").open("a") as file:
        file.write("une fois ")

@pytest.mark.parametrize("n", range(6))
def test_it(costly, n):
    pass
"""
SERVE = "-m", "http.server", "8000", "--bind", "127.0.0.1"


def run_pytest(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.sharing", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
    )


def test_the_longest_come_first(tmp_path):
    for name in ("test_a.py", "test_robot.py", "test_z.py"):
        (tmp_path / name).write_text("def test_it(): pass", "utf-8")
    done = run_pytest(tmp_path, "--collect-only")
    files = [line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line]
    assert files == ["test_robot.py", "test_a.py", "test_z.py"]


def test_what_a_file_shares_is_made_once(tmp_path):
    (tmp_path / "test_a.py").write_text(SHARED, "utf-8")
    done = run_pytest(tmp_path, "-n", "2")
    assert "6 passed" in done.stdout, done.stdout + done.stderr
    assert (tmp_path / "fois.txt").read_text("utf-8") == "une fois "


@pytest.mark.parametrize(
    ("finished", "elapsed", "said"),
    [
        ([], 0, "0 % : 0 tests sur 2, encore 5 min environ"),
        (["long"], 480, "80 % : 1 tests sur 2, encore 2 min environ"),
        (["long"], 960, "80 % : 1 tests sur 2, encore 3 min environ"),
        (["long", "court"], 300, "100 % : 2 tests sur 2, encore moins d'une minute"),
    ],
)
def test_what_is_left_is_said(finished, elapsed, said):
    progress = Progress(SimpleNamespace(isatty=False), workers=2)
    progress.expected, progress.finished = {"long": 480, "court": 120}, {*finished}
    assert progress.sentence(elapsed).replace("\u00a0", " ") == said


def test_only_a_whole_test_leaves_its_duration(monkeypatch):
    left = {}
    monkeypatch.setattr("tests.progress.keep", lambda name, value: left.update(json.loads(value)))
    reporter = SimpleNamespace(isatty=False, write_line=print)
    progress = Progress(reporter, workers=2)
    progress.durations.known = {"rouge": 9, "ancien": 8}
    progress.begin(["vert", "rouge", "coupé"])
    for test, when, failed in (
        ("vert", "call", False),
        ("vert", "teardown", False),
        ("rouge", "call", True),
        ("rouge", "teardown", False),
        ("coupé", "call", False),
    ):
        report = SimpleNamespace(nodeid=test, when=when, failed=failed, duration=2)
        progress.pytest_runtest_logreport(report)
    progress.pytest_sessionfinish()
    assert left == {"vert": 4, "rouge": 9, "ancien": 8}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Un dépôt de deux étapes, commité deux fois."""
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    for name in ("01-a", "02-b"):
        (tmp_path / "steps" / name).mkdir(parents=True)
        (tmp_path / "steps" / name / "README.md").write_text("un chapitre", "utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "config", "user.email", "moi@exemple.fr")
    git(tmp_path, "config", "user.name", "Moi")
    for words in ("un", "deux"):
        (tmp_path / "autre.txt").write_text(words, "utf-8")
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-qm", words)
    return tmp_path


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True)


def test_the_steps_that_change_are_known(repository):
    assert quick.changed_steps() == set()
    (repository / "steps/01-a/README.md").write_text("un autre", "utf-8")
    assert quick.changed_steps() == {"01-a"}
    git(repository, "commit", "-qam", "un autre")
    (repository / "steps/02-b/été.md").write_text("nouveau", "utf-8")
    assert quick.changed_steps() == {"01-a", "02-b"}


def test_without_git_every_step_may_have_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(quick, "ROOT", tmp_path)
    (tmp_path / "steps/01-a").mkdir(parents=True)
    assert quick.changed_steps() == {"01-a"}


def test_each_has_its_own_port_8000():
    if not own_networks():
        pytest.skip("ce système ne donne pas de réseau à soi")
    with OwnNetwork() as one, OwnNetwork() as other:
        command = one.inside([sys.executable, *SERVE])
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
            while not one.listening(8000):
                assert server.poll() is None
            assert not other.listening(8000)
            server.kill()
