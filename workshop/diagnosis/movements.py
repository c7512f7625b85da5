"""Quel mouvement d'un chapitre apporte une ligne, et si le projet en est déjà là."""

import re
from bisect import bisect
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from workshop.chapters.replay import REPLAYED
from workshop.chapters.steps import Patch, Rename, Run, Step, Write, all_steps
from workshop.diagnosis.edits import Edit
from workshop.diagnosis.naming import Naming

TITLE = re.compile(r"(\d+)\. (.+)")
# Une ligne plus courte (une parenthèse, un mot) se trouve partout : elle ne prouve rien.
SHORTEST = 8


@dataclass(frozen=True)
class Movement:
    """Un mouvement d'un chapitre, et le rang de l'acte, dans tout le parcours."""

    step: Step
    number: str
    title: str
    act: int

    def __str__(self) -> str:
        return f"le mouvement {self.number} du chapitre {self.step.slug[:2]} (« {self.title} »)"


@cache
def _told() -> list[tuple[Movement, str, list[str]]]:
    """Ce que dit chaque acte du parcours, dans l'ordre : son mouvement, un fichier, ses lignes."""
    told, act = [], 0
    for step in all_steps():
        titles = [
            (opening.map[0], *TITLE.fullmatch(inline.content).groups())
            for opening, inline in pairwise(step.tokens)
            if opening.type == "heading_open" and TITLE.fullmatch(inline.content)
        ]
        for one in step.acts:
            act += 1
            rank = bisect([line for line, _, _ in titles], one.line) - 1
            if rank >= 0:
                movement = Movement(step, *titles[rank][1:], act)
                told += [(movement, file, lines) for file, lines in _lines(one, step)]
    return told


@cache
def _brought() -> dict[str, dict[str, Movement]]:
    """Par fichier, le premier mouvement du parcours qui apporte chaque ligne.

    La ligne vide est le fichier lui-même.
    """
    found: dict[str, dict[str, Movement]] = {}
    for movement, file, lines in _told():
        known = found.setdefault(file, {})
        for line in ("", *lines):
            # Avec son décalage, puis sans : une ligne décalée plus tard est une autre.
            known.setdefault(line.rstrip(), movement)
            known.setdefault(_squeezed(line), movement)
    return found


def _lines(act, step: Step):
    """Donne ce qu'un acte écrit : un fichier, et ses lignes."""
    match act:
        case Write(path, content):
            yield path, content.splitlines()
        case Patch(path, diff):
            yield path, [line[1:] for line in diff.splitlines() if line.startswith("+")]
        case Rename(_, path):
            yield path, ()
        case Run(_, commands):
            written = {one.path for one in step.acts if isinstance(one, Write)}
            if any(REPLAYED.fullmatch(command.strip()) for command in commands):
                for path in step.solution.rglob("*.py"):
                    name = path.relative_to(step.solution).as_posix()
                    if name not in written:
                        yield name, path.read_text("utf-8").splitlines()


def _squeezed(line: str) -> str:
    return "".join(line.split())


def brought_by(edit: Edit, naming: Naming) -> Movement | None:
    """Renvoie le mouvement qui apporte ce que ce morceau ajoute ; None s'il n'ajoute rien."""
    known = _brought().get(naming.in_chapter(edit.file), {})
    if edit.state == "missing":
        return known.get("")
    found = [known.get(line.rstrip(), known.get(_squeezed(line))) for line in edit.lines if line]
    return max(filter(None, found), key=lambda movement: movement.act, default=None)


def to_read_again(edit: Edit, naming: Naming, step: Step) -> Movement | None:
    """Renvoie le dernier mouvement, jusqu'à une étape, qui écrit ce que ce morceau ajoute."""
    file = naming.in_chapter(edit.file)
    wanted = {line.rstrip() for line in edit.lines if len(_squeezed(line)) >= SHORTEST}
    for movement, name, lines in reversed(_told()):
        there = name == file and movement.step.number <= step.number
        if there and wanted & {line.rstrip() for line in lines}:
            return movement
    return brought_by(edit, naming)


def reached(project: Path, naming: Naming) -> int:
    """Renvoie le rang du dernier acte dont le projet porte la trace."""
    last = 0
    places = {name: place for place, name in naming.names.items()}
    for file, known in _brought().items():
        path = project / places.get(file, file)
        if not path.is_file():
            continue
        text = path.read_text("utf-8-sig", "replace")
        lines = {*map(_squeezed, text.splitlines())}
        acts = [
            movement.act
            for line, movement in known.items()
            if len(line) >= SHORTEST and line in lines
        ]
        last = max([last, *acts, known[""].act])
    return last
