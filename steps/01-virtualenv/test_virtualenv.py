"""Étape 01 : un environnement à soi, et la liste de ce dont le projet a besoin."""

import json
import subprocess

import pytest
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

NEEDED = {"django", "channels", "daphne", "websockets"}


@pytest.fixture
def requirements(project) -> dict[str, Requirement]:
    """Ce que demande `requirements.txt`, par nom de paquet."""
    path = project / "requirements.txt"
    assert path.is_file(), "Le fichier requirements.txt n'est pas dans le dossier live."
    found = {}
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines(), 1):
        line = line.split(" #")[0].strip()
        if line and not line.startswith(("#", "-")):
            try:
                requirement = Requirement(line)
            except InvalidRequirement:
                pytest.fail(f"requirements.txt, ligne {number} : pip ne comprend pas « {line} ».")
            found[canonicalize_name(requirement.name)] = requirement
    return found


def test_environment(python):
    """`live/.venv` contient un Python 3.11 ou plus récent"""
    assert python, "Le dossier live/.venv n'existe pas, ou il ne contient pas de Python."
    version = _run(python, "import json, sys; print(json.dumps(sys.version_info[:2]))")
    assert version >= [3, 11], f"live/.venv contient Python {version[0]}.{version[1]}."


def test_requirements(requirements):
    """`requirements.txt` nomme Django, channels, daphne et websockets"""
    missing = ", ".join(sorted(NEEDED - requirements.keys()))
    assert not missing, f"requirements.txt ne nomme pas : {missing}."


def test_installed(python, requirements):
    """Ce que demande `requirements.txt` est installé dans `live/.venv`"""
    installed = _run(
        python,
        "import json, importlib.metadata as m;"
        "print(json.dumps({d.name: d.version for d in m.distributions()}))",
    )
    installed = {canonicalize_name(name): version for name, version in installed.items()}
    for name, requirement in requirements.items():
        version = installed.get(name)
        assert version, f"{requirement.name} n'est pas installé dans live/.venv."
        assert requirement.specifier.contains(version, prereleases=True), (
            f"live/.venv contient {requirement.name} {version}, "
            f"mais requirements.txt demande {requirement.specifier}."
        )


def _run(python: str, code: str):
    """Renvoie ce que `code`, lancé par `python`, imprime en JSON."""
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, encoding="utf-8", timeout=20
        )
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        pytest.fail(f"Le Python de live/.venv ne démarre pas ({python}). Recréez l'environnement.")
