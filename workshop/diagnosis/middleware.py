"""Les étages que l'on écrit soi-même, entre le serveur et le consommateur."""

import re

from workshop.diagnosis.rules import rule
from workshop.project.sources import Place


@rule("TypeError", r"(?P<name>\w+)\.__call__\(\) takes (from )?\d.* positional arguments? .*but")
def old_middleware(case, error, name):
    """Un étage est appelé avec scope, receive et send : {name}.__call__ doit les recevoir tous les
    trois, et les passer à « await self.inner(scope, receive, send) »."""
    if place := case.project.where_is(name):
        yield _method(case, place, "__call__")


@rule(steps=range(4, 100))
def middleware_not_awaited(case):
    """Un étage fait à la main n'attend pas l'application qu'il enveloppe."""
    case.probe  # noqa: B018  la conversation d'essai en trouve d'autres
    for called, place in case.unawaited:
        if called == place.function == "__call__":
            cause = """Il manque « await » devant cet appel : l'étage appelle ce qu'il enveloppe, et
            ne l'attend pas."""
            line = case.project.source(place.file).lines[place.line - 1]
            mend = re.sub(r"\b(?=self\.)", "await ", line, count=1)
            yield "middleware-not-awaited", place, cause, "", mend


def _method(case, place: Place, name: str) -> Place:
    """Renvoie la ligne d'une méthode, dans la classe qui est à cet endroit."""
    lines = case.project.source(place.file).lines[place.line :]
    found = (n for n, line in enumerate(lines, place.line + 1) if re.search(rf"def {name}\b", line))
    return Place(place.file, next(found, place.line), name)
