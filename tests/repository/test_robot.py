"""Un robot suit les chapitres à la lettre, chacun dans un dossier neuf au nom espacé et accentué.

Chaque chapitre part de `rattraper`, et doit finir sur sa solution : bout à bout, c'est toute la
route. `--tout` la fait aussi d'un trait, dans un seul dossier. Sans `--strict` ni `--tout`, seuls
se suivent le dernier chapitre, qui juge aussi ce qui était acquis, et ceux qui ont changé. Là où le
système donne à chacun son port 8000, les chapitres se suivent de front.
"""

import os
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.networks import MachineNetwork, network, own_networks
from tests.quick import changed_steps
from tests.robot import Robot, is_announced
from workshop.basics import ROOT
from workshop.chapters.steps import Run, all_steps
from workshop.project.comparing import differences
from workshop.system.installing import locked
from workshop.system.processes import listening

STEPS = all_steps()
ANSWER = re.compile(r"^\| (\d\d-\w+) \| `([^`]+)` \| `([^`]+)` \|$", re.M)

pytestmark = [pytest.mark.skipif(os.name == "nt", reason="le robot tape des commandes bash")]
if not own_networks():
    pytestmark.append(pytest.mark.xdist_group("robot"))


def pytest_generate_tests(metafunc):
    if "road" not in metafunc.fixturenames:
        return
    option = metafunc.config.getoption
    whole = option("tout") or option("strict_skips")
    changed = {step.slug for step in STEPS} if whole else changed_steps()
    roads = [[step] for step in STEPS if step.slug in changed or step is STEPS[-1]]
    if option("tout"):
        roads.append(STEPS)
    metafunc.parametrize(
        "road", roads, ids=[road[-1].slug if len(road) == 1 else "tout" for road in roads]
    )


@contextmanager
def held(path: Path):
    """Tient un verrou : un processus à la fois."""
    with path.open("w") as file:
        while not locked(file):
            time.sleep(0.2)
        yield


def copy_workshop(folder: Path) -> Path:
    """Copie le dépôt, et lui seul, dans un nouveau dossier de celui-ci ; le renvoie."""
    root = folder / "atelier é à"
    root.mkdir(parents=True)
    left = shutil.ignore_patterns("node_modules", "__pycache__")
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, root)
        elif path.name != "live" and not path.name.startswith("."):
            shutil.copytree(path, root / path.name, ignore=left)
    return root


def copy_environment(environment: Path, copy: Path) -> None:
    """Copie un environnement, sans en doubler les octets ; ses commandes disent où elles sont."""
    shutil.copytree(environment, copy, symlinks=True, copy_function=os.link)
    for command in (copy / "bin").iterdir():
        if not command.is_symlink():
            content = command.read_bytes()
            command.unlink()
            command.write_bytes(content.replace(bytes(environment), bytes(copy)))
            shutil.copymode(environment / "bin" / command.name, command)


@pytest.fixture(scope="session")
def environment(tmp_path_factory, worker_id) -> Path:
    """Un environnement fait par `rattraper`, une fois pour tous les processus."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder if worker_id == "master" else folder.parent
    with held(shared / "environnement.verrou"):
        made = shared / "environnement"
        if not made.exists():
            notes = tmp_path_factory.mktemp("notes")
            Robot(copy_workshop(made), notes, MachineNetwork()).catch_up(STEPS[1])
    return made / "atelier é à/live/.venv"


@pytest.fixture
def robot(road, tmp_path, request):
    if not own_networks() and listening(8000):
        pytest.skip("le port 8000 est pris ; arrêtez votre serveur")
    root, notes = copy_workshop(tmp_path), tmp_path / "notes"
    notes.mkdir()
    if road[0].number > 1:
        copy_environment(request.getfixturevalue("environment"), root / "live/.venv")
    with network() as own:
        robot = Robot(root, notes, own)
        if any(step.number == 6 for step in road):
            robot.chromium = request.getfixturevalue("chromium")
        yield robot
        for terminal in robot.terminals.values():
            terminal.stop()


def test_follow(robot, road):
    robot.catch_up(road[0])
    for step in road:
        answer = robot.follow(step)
        assert differences(robot.project, step.solution) == []
        announced = {
            row[0]: f"sans Origin : {row[1]}\navec Origin : {row[2]}\n"
            for row in ANSWER.findall(step.chapter.read_text("utf-8"))
        }
        slugs = [other.slug for other in STEPS if other.number <= step.number]
        assert list(announced) == (slugs if step.number > 1 else [])
        if announced:
            assert answer == announced[step.slug]
            assert len({*announced.values()}) == min(step.number, 5)


@pytest.mark.parametrize(
    ("command", "announced", "said", "right"),
    [
        ("python client.py", "un\ndeux\n", "un\ndeux\n", True),
        ("python client.py", "deux\n", "un\ndeux\n", False),
        ("python client.py", "un\n", "un\ndeux\n", False),
        ("python client.py", "…\ndeux\n", "un\ndeux\n", True),
        ("python client.py", "un\n…\n", "un\ndeux\ntrois\n", True),
        ("python client.py", "…\nun\n", "un\ndeux\n", False),
        ("python client.py", "un …\n", "un deux\n", True),
        ("python client.py", "un …\n", "un deux\ntrois\n", False),
        ("python -m pytest", "deux\n", "un\ndeux\ntrois\n", True),
        ("python -m pytest", "quatre\n", "un\ndeux\n", False),
        ("python client.py", None, "un\n", True),
    ],
)
def test_a_program_of_the_project_is_announced_whole(command, announced, said, right):
    assert is_announced(Run("projet", [command], 1, [], announced), said) is right
