"""La maison reste comme elle est bâtie : les imports du moteur vont dans un seul sens, sans cercle.

Le contrat est dans pyproject.toml.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from workshop.basics import ROOT

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def linted(root):
    """Ce que dit le contrat d'un moteur."""
    pytest.importorskip("importlinter", reason="import-linter manque : requirements-dev.txt")
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.fixture
def house(tmp_path):
    """Une copie du moteur et de son contrat."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "workshop", tmp_path / "workshop", ignore=ignored)
    return tmp_path


def test_the_contract_is_kept():
    done = linted(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("project/files.py", "from workshop.checking import judging"),
        ("chapters/hints.py", "def late():\n    import workshop.commands.cli"),
        ("following/screen.py", "from workshop.machine import kit"),
        ("basics.py", "import workshop.system.memory"),
    ],
    ids=["vers le haut", "dans une fonction", "vers un voisin", "depuis le fond"],
)
def test_an_import_the_other_way_breaks_it(house, module, line):
    with (house / "workshop" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{line}\n")
    done = linted(house)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"workshop.{module.removesuffix('.py').replace('/', '.')} -> " in done.stdout


def test_a_circle_inside_a_package_breaks_it(house):
    for one, other in (("hints", "schedule"), ("schedule", "hints")):
        with (house / f"workshop/chapters/{one}.py").open("a", encoding="utf-8") as file:
            file.write(f"\n\nimport workshop.chapters.{other}\n")
    done = linted(house)
    assert done.returncode == 1
    assert "No cycles are allowed in workshop.chapters." in done.stdout


def test_a_package_that_the_contract_does_not_know_breaks_it(house):
    (house / "workshop/attic").mkdir()
    (house / "workshop/attic/__init__.py").touch()
    done = linted(house)
    assert done.returncode == 1
    assert "workshop.attic" in done.stdout + done.stderr


def test_the_guide_names_the_packages_as_they_name_themselves():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    layers = tool["importlinter"]["contracts"][0]["layers"]
    names = [name for layer in layers for name in layer.split(" | ")]
    rows = re.findall(
        r"^\| `workshop/(\w+)(?:/|\.py)` \| (.*) \|$",
        (ROOT / "CONTRIBUER.md").read_text("utf-8"),
        re.M,
    )
    assert [name for name, _ in rows] == names
    for name, sentence in rows:
        docstring = importlib.import_module(f"workshop.{name}").__doc__
        assert sentence == docstring.partition("\n\n")[0].replace("\n", " ")
