"""Le partage des tests entre les processeurs : les plus longs d'abord, aucun n'attend seul.

Deux tests d'un fichier qui se servent d'une même chose coûteuse (un navigateur, un serveur) restent
ensemble ; les autres vont chacun de leur côté. Un test a la durée de sa dernière fois.
"""

import json

import pytest
from xdist.scheduler import LoadScopeScheduling

from workshop.system.memory import keep, kept

DURATIONS, GROUPS = "durations", "groups"
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
        return self.known.get(test, GUESSES.get(name, GUESS))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    durations, groups = Durations(), {}
    for item in items:
        groups.setdefault(group(item), []).append(item)

    def seconds(members: list[pytest.Item]) -> float:
        return sum(durations.of(item.nodeid) for item in members)

    items[:] = [item for one in sorted(groups.values(), key=seconds, reverse=True) for item in one]
    # Les ouvriers ont tous les mêmes groupes : l'un d'eux les dit à celui qui les mène.
    if getattr(config, "workerinput", {}).get("workerid") == "gw0":
        keep(GROUPS, json.dumps({item.nodeid: group(item) for item in items}))


def group(item: pytest.Item) -> str:
    """Renvoie le nom de ce que ce test partage avec d'autres de son fichier, sinon le sien."""
    if marked := item.get_closest_marker("xdist_group"):
        return marked.args[0]
    definitions = item._fixtureinfo.name2fixturedefs.values()
    if all(definition[-1].scope != "module" for definition in definitions):
        return item.nodeid
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    return " ".join(filter(None, (item.path.stem, parameters.get("kind"))))


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadScopeScheduling:
    return Sharing(config, log)


class Sharing(LoadScopeScheduling):
    """Donne un groupe à l'ouvrier qui va manquer de travail.

    `--dist loadgroup` ne voit plus les groupes depuis pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    groups: dict[str, str] | None = None

    def schedule(self) -> None:
        self.groups = self.groups or json.loads(kept(GROUPS))
        super().schedule()

    def _split_scope(self, nodeid: str) -> str:
        return self.groups[nodeid]
