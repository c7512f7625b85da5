"""La forme rapide : ce qui se vérifie en moins d'une minute, à chaque changement d'un chapitre.

La prose, le rejeu des chapitres et ce qui en est fait ; puis les buts des étapes qui ont changé
depuis l'avant-dernier commit : verts sur leur solution, rouges sur la précédente.
"""

import subprocess
from pathlib import Path

import pytest

from workshop.basics import ROOT

REPLAY = "tests/publishing/test_making.py::test_what_is_made_is_up_to_date"
GOALS = "tests/checking/test_steps.py"
ALWAYS = (
    "tests/chapters/",
    "tests/repository/test_glossary.py",
    "tests/repository/test_prose.py",
    "tests/repository/test_style.py",
    REPLAY,
)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    if collection_path.is_dir():
        return None
    path = collection_path.relative_to(ROOT).as_posix()
    useful = any(path.startswith(one.partition("::")[0]) for one in (*ALWAYS, GOALS))
    return None if useful else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    steps = changed_steps()
    kept = [item for item in items if item.nodeid.startswith(ALWAYS) or judges(item, steps)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def judges(item: pytest.Item, slugs: set[str]) -> bool:
    """Renvoie True si ce test juge l'une de ces étapes, sur sa solution ou sur la précédente."""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    step = parameters.get("step")
    return step is not None and step.slug in slugs and parameters.get("later", step) is step


def changed_steps() -> set[str]:
    """Renvoie les étapes que change le dernier commit, ou ce qui n'est pas encore commité.

    Sans git, toutes : on ne sait pas.
    """
    slugs = {path.name for path in (ROOT / "steps").iterdir()}
    try:
        since = _git("diff", "--name-only", "HEAD~1") + _git("ls-files", "-o", "--exclude-standard")
    except (OSError, subprocess.CalledProcessError):
        return slugs
    return slugs & {Path(path).parts[1] for path in since if path.startswith("steps/")}


def _git(*arguments: str) -> list[str]:
    command = ["git", *arguments, "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.split("\0")
