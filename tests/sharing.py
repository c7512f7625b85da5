"""Le partage des tests entre les processeurs : les plus longs d'abord, aucun n'attend seul.

Deux tests d'un fichier qui se servent d'une même chose coûteuse (un navigateur, un serveur) restent
ensemble ; les autres vont chacun de leur côté. Un test a la durée de sa dernière fois.
"""

import json
import re

import pytest

from workshop.system.memory import kept

DURATIONS = "durations"
# Les secondes d'un test qui n'a jamais tourné ici, selon son fichier.
GUESSES = {"test_robot.py": 60, "test_abuse.py": 10, "test_mistakes.py": 4, "test_steps.py": 4}
GUESS = 0.2


class Durations:
    """Les secondes de chaque test, la dernière fois qu'il a tourné ici."""

    def __init__(self):
        self.known: dict[str, float] = json.loads(kept(DURATIONS) or "{}")

    def of(self, test: str) -> float:
        """Renvoie les secondes d'un test, ou une supposition."""
        name = test.partition("::")[0].rpartition("/")[2]
        return self.known.get(bare(test), GUESSES.get(name, GUESS))


def bare(test: str) -> str:
    """Renvoie le nom d'un test sans le groupe que xdist y ajoute."""
    return re.sub(r"@[^\]]*$", "", test)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    durations, groups = Durations(), {}
    for item in items:
        groups.setdefault(group(item) or item.nodeid, []).append(item)
    for name, members in groups.items():
        if name != members[0].nodeid:
            for item in members:
                item.add_marker(pytest.mark.xdist_group(name))

    def seconds(members: list[pytest.Item]) -> float:
        return sum(durations.of(item.nodeid) for item in members)

    items[:] = [item for one in sorted(groups.values(), key=seconds, reverse=True) for item in one]


def group(item: pytest.Item) -> str:
    """Renvoie ce que ce test partage avec d'autres de son fichier ; vide, s'il ne partage rien."""
    if marked := item.get_closest_marker("xdist_group"):
        return marked.args[0]
    definitions = item._fixtureinfo.name2fixturedefs.values()
    if all(definition[-1].scope != "module" for definition in definitions):
        return ""
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return " ".join(filter(None, (item.path.stem, parameters.get("kind"))))
