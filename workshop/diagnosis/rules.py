"""Les règles : des mots pour une cause, et ce qui doit être observé pour les prononcer.

Une règle est un générateur ; son décorateur dit à quoi elle se reconnaît. Elle ne donne que des
mots : c'est ce qui répare qui prouve l'endroit (voir workshop/checking/locating.py), et une règle
qui en nomme un autre n'est pas entendue.
"""

import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workshop.diagnosis.finding import Finding
from workshop.mutants.mutation import SuiteError
from workshop.project.sources import Place

RULES: list["Rule"] = []


@dataclass(frozen=True)
class Rule:
    """Une règle : sa fonction, et les indices qu'il lui faut, tous à la fois."""

    function: Callable
    kind: str
    pattern: str
    steps: range
    goals: tuple[str, ...]
    said: str
    log: str
    observed: str
    outside: bool

    def matches(self, case) -> Iterator[dict]:
        """Donne les arguments de chaque fois que la règle se reconnaît dans un cas."""
        if case.number not in self.steps or (self.goals and case.goal not in self.goals):
            return
        groups = {}
        for pattern, text in ((self.said, case.said), (self.log, case.log)):
            found = re.search(pattern, text, re.S)
            if not found:
                return
            groups |= found.groupdict()
        if not self.kind:
            yield groups
            return
        for error in case.errors:
            found = re.search(self.pattern, error.message)
            if found and re.fullmatch(self.kind, error.kind):
                yield groups | {"error": error} | found.groupdict()

    def findings(self, case) -> Iterator[Finding]:
        """Donne ce que la règle propose de dire."""
        for arguments in self.matches(case):
            for given in self.function(case, **arguments):
                alone = given is None or isinstance(given, Place)
                told = (self.code, given, self.words(arguments)) if alone else given
                code, place, cause, *more = told
                file, line = (place.file or None, place.line) if place else (None, None)
                observed = more[0] if more else self.observed.format(**arguments)
                mend = more[1] if len(more) > 1 else None
                said = re.sub(r" *\n *", " ", cause)
                yield Finding(code, said, file, line, observed, self.outside, mend)

    @property
    def code(self) -> str:
        """Le code que porte le nom de la fonction."""
        return self.function.__name__.replace("_", "-")

    def words(self, arguments: dict) -> str:
        """Renvoie la cause qu'est la docstring de la fonction ; ses arguments y prennent place."""
        return re.sub(
            r"\{(\w+)\}",
            lambda found: str(arguments.get(found[1], found[0])),
            self.function.__doc__,
        )


def rule(
    kind: str = "",
    pattern: str = "",
    *,
    steps: range = range(1, 100),
    goals: tuple[str, ...] | str = (),
    said: str = "",
    log: str = "",
    observed: str = "",
    outside: bool = False,
):
    """Renvoie le décorateur d'une règle.

    `kind` et `pattern` décrivent une exception ; `said`, ce que le but a observé ; `log`, le
    journal du serveur. Les groupes nommés de ces motifs deviennent des arguments, de même que
    `error`. La fonction donne des endroits, ou None : son nom est alors le code, et sa docstring la
    cause. Sinon, des triplets (code, endroit ou None, cause), ou des quadruplets : une
    observation plus précise que celle du but vient alors en dernier ; après elle, ou après "", la
    ligne de cet endroit, réparée. Une cause vide ne dit rien : seule l'observation en est gardée.
    `outside` : la faute n'est dans aucun fichier, et la règle est entendue quand rien ne répare.
    """
    names = (goals,) if isinstance(goals, str) else tuple(goals)

    def declare(function):
        RULES.append(Rule(function, kind, pattern, steps, names, said, log, observed, outside))
        return function

    return declare


def words(places: Callable, table: dict[str, tuple[str, str]], **evidence) -> None:
    """Déclare une règle par ligne d'une table : son code, ce que l'on a observé, la cause.

    `places` donne, d'un cas, les endroits où la faute peut être ; le reste est comme pour `rule`.
    """
    for code, (said, cause) in table.items():

        @rule(said=said, **evidence)
        def told(case, code=code, cause=cause, **groups):
            for place in places(case):
                yield code, place, cause


def raised(table: dict[str, tuple[str, str, str]], **evidence) -> None:
    """Déclare une règle par ligne d'une table : son code, la sorte d'une exception, son message.

    La cause vient en dernier ; les groupes nommés du message s'y mettent, entre accolades.
    """
    for code, (kind, pattern, cause) in table.items():

        @rule(kind, pattern, **evidence)
        def told(case, error, code=code, cause=cause, **groups):
            yield code, error.place, cause.format(**groups)


def anywhere(case) -> list[None]:
    """Renvoie un endroit qui n'en est pas un : la cause vaut pour ce qui répare, où que ce soit."""
    return [None]


def findings(case, crash: Callable[[str], None] = lambda trace: None) -> list[Finding]:
    """Renvoie ce que proposent les règles ; `crash` reçoit la trace de celle qui tombe."""
    found = []
    # Une suite de tests n'a pas de solution d'où chercher ce qui répare.
    searched = not isinstance(case.error, SuiteError)
    for one in RULES if searched else [one for one in RULES if one.outside]:
        try:
            found += one.findings(case)
        except Exception:
            crash(traceback.format_exc())
    return found
