"""Ce qui sépare un projet d'une solution, en morceaux que l'on applique un par un."""

import ast
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from workshop.project.comparing import matched, read
from workshop.project.files import copied
from workshop.project.sources import Source, parsed

# Deux lignes qui se ressemblent plus que cela sont la même, changée.
ALIKE = 0.55
# Au-delà, on ne rapproche pas les lignes une à une : ce serait long, et pour rien.
LONGEST_BLOCK = 60


@dataclass(frozen=True)
class Edit:
    """Un morceau : dans un fichier, les lignes `start` à `end` deviennent `lines`.

    Les lignes se comptent de zéro ; `end` n'en est pas. `state` vaut changed, missing (le fichier
    manque au projet, `source` est celui de la solution) ou extra (le projet l'a de plus : l'on se
    passe de ces lignes, ou de lui tout entier s'il n'y en a pas). Un fichier déplacé est manquant,
    et `moved` est l'endroit où il est. `rank` range ceux qui commencent à la même ligne.
    """

    file: str
    state: str
    start: int = 0
    end: int = 0
    lines: tuple[str, ...] = ()
    source: Path | None = None
    moved: str = ""
    rank: int = 0


def edits(project: Path, solution: Path) -> list[Edit]:
    """Renvoie ce qui sépare un projet d'une solution, dans l'ordre des fichiers et des lignes."""
    mine, theirs = _files(project), _files(solution)
    extra = [path for path in mine if path not in theirs]
    found = []
    for path in sorted(theirs):
        if path in mine:
            found += _hunks(path, read(mine[path]), theirs[path])
        else:
            moved = _moved(theirs[path], {name: mine[name] for name in extra})
            extra = [name for name in extra if name != moved]
            lines = tuple(read(theirs[path]).split("\n"))
            found.append(Edit(path, "missing", lines=lines, source=theirs[path], moved=moved))
    for path in extra:
        if not any(part.startswith(".") for part in path.split("/")):
            found += _too_much(path, read(mine[path]))
    return found


def _too_much(path: str, text: str) -> Iterator[Edit]:
    """Donne de quoi se passer d'un fichier de plus, en entier ou d'une seule instruction."""
    yield Edit(path, "extra")
    tree = _parsed(text) if path.endswith(".py") else None
    for node in tree.body if tree else ():
        yield Edit(path, "extra", _first_line(node) - 1, node.end_lineno)


def apply(chosen: Iterable[Edit], project: Path) -> None:
    """Applique des morceaux à un projet, en place."""
    by_file: dict[str, list[Edit]] = {}
    for edit in chosen:
        by_file.setdefault(edit.file, []).append(edit)
    for file, ones in by_file.items():
        path = project / file
        match ones[0].state:
            case "missing":
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ones[0].source, path)
                if ones[0].moved:
                    (project / ones[0].moved).unlink()
            case "extra" if any(not one.end for one in ones):
                path.unlink()
            case _:
                path.write_text(applied(ones, path.read_text("utf-8-sig", "replace")), "utf-8")


def applied(chosen: Iterable[Edit], text: str) -> str:
    """Renvoie un texte où des morceaux ont été appliqués."""
    lines = text.split("\n")
    for edit in reversed(sorted(chosen, key=lambda one: (one.start, one.end, one.rank))):
        lines[edit.start : edit.end] = edit.lines
    return "\n".join(lines)


def reads(chosen: Iterable[Edit], project: Path) -> bool:
    """Renvoie True si Python sait lire les fichiers que ces morceaux changent."""
    by_file: dict[str, list[Edit]] = {}
    for edit in chosen:
        if edit.state != "missing" and (edit.end or edit.lines) and edit.file.endswith(".py"):
            by_file.setdefault(edit.file, []).append(edit)
    return all(
        _parsed(applied(ones, (project / file).read_text("utf-8-sig", "replace"))) is not None
        for file, ones in by_file.items()
    )


def covers(edit: Edit, file: str, line: int | None, project: Path) -> bool:
    """Renvoie True si cet endroit est celui d'un morceau : même fichier, même instruction.

    Une ligne qui manque à une fonction ou à une classe est aussi à sa première ligne.
    """
    if not edit.end and edit.state != "changed":
        return file in (edit.file, edit.moved)
    if file != edit.file:
        return False
    if line is None or not file.endswith(".py"):
        return True
    text = (project / file).read_text("utf-8-sig", "replace")
    first, last = edit.start + 1, max(edit.end, edit.start + 1)
    if first - 1 <= line <= last + 1:
        return True
    return any(start <= line <= end for start, end in _around(text, first, last))


def uses(edit: Edit, file: str, project: Path) -> bool:
    """Renvoie True si les lignes que ce morceau remplace se servent d'un autre fichier."""
    if edit.state != "changed" or not file.endswith(".py"):
        return False
    lines = (project / edit.file).read_text("utf-8-sig", "replace").split("\n")
    words = re.findall(r"\w+", "\n".join(lines[edit.start : edit.end]))
    source = Source(project / file, file)
    return not {*source.defined, Path(file).stem}.isdisjoint(words)


@cache
def _around(text: str, first: int, last: int) -> list[tuple[int, int]]:
    """Renvoie les lignes des instructions qui touchent un morceau, et la tête de celles autour."""
    found = []
    tree = _parsed(text)
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.stmt) or node.end_lineno < first - 1 or node.lineno > last:
            continue
        body = getattr(node, "body", None)
        if not body:
            found.append((node.lineno, node.end_lineno))
            continue
        found.append((_first_line(node), max(node.lineno, body[0].lineno - 1)))
    return found


def _first_line(node: ast.stmt) -> int:
    """Renvoie la première ligne d'une instruction, décorateurs compris."""
    return min(one.lineno for one in (node, *getattr(node, "decorator_list", ())))


_parsed = cache(parsed)


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in copied(folder)}


def _moved(wanted: Path, others: dict[str, Path]) -> str:
    """Renvoie le fichier de plus qui est sans doute celui-ci, ailleurs ou sous un autre nom."""
    text = read(wanted)
    if len(text) < 20:
        return ""
    ratios = {}
    for name, path in others.items():
        if path.suffix == wanted.suffix or path.name.startswith(wanted.name):
            matcher = SequenceMatcher(None, text.split("\n"), read(path).split("\n"), False)
            ratios[name] = 1 if path.name == wanted.name else matcher.ratio()
    best = max(ratios, key=ratios.get, default="")
    return best if best and ratios[best] > ALIKE else ""


def _hunks(path: str, mine: str, solution: Path) -> Iterator[Edit]:
    """Donne les morceaux d'un fichier qui est des deux côtés."""
    theirs = read(solution)
    if mine == theirs:
        return
    # Sans ce que read en efface : c'est ce que l'on écrira.
    whole = solution.read_text("utf-8").split("\n")
    texts = mine.split("\n"), theirs.split("\n")
    lines, matcher = matched(path, mine, theirs)
    for operation, i, j, k, m in matcher.get_opcodes():
        if operation == "equal":
            continue
        for first, last, other_first, other_last in _split(lines, texts, (i, j, k, m)):
            here, there = lines[0][first:last], lines[1][other_first:other_last]
            start = here[0].index if here else _after(lines[0], first)
            if here and there:
                pieces = [(start, here[-1].index + 1, there[0].index, there[-1].index + 1)]
            elif here:
                spans = _statements(path, mine, start, here[-1].index + 1)
                pieces = [(one, other, 0, 0) for one, other in spans]
            else:
                spans = _statements(path, theirs, there[0].index, there[-1].index + 1)
                pieces = [(start, start, one, other) for one, other in spans]
            for start, end, other_start, other_end in pieces:
                new = tuple(whole[other_start:other_end])
                yield Edit(path, "changed", start, end, new, rank=other_start)


def _statements(path: str, text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Coupe des lignes de Python en instructions entières ; ailleurs, les renvoie d'un bloc."""
    tree = _parsed(text) if path.endswith(".py") else None
    starts, inside = {start}, 0
    for node in sorted(
        (node for node in ast.walk(tree or ast.Module([], [])) if isinstance(node, ast.stmt)),
        key=lambda node: node.lineno,
    ):
        first = _first_line(node) - 1
        if start <= first and node.end_lineno <= end and first >= inside:
            starts.add(first)
            inside = node.end_lineno
    cuts = sorted(starts)
    return list(zip(cuts, [*cuts[1:], end], strict=True))


def _after(lines, rank: int) -> int:
    """Renvoie où insérer ce qui vient avant la ligne de ce rang."""
    return lines[rank - 1].index + 1 if rank else 0


def _split(lines, texts, block) -> Iterator[tuple[int, int, int, int]]:
    """Coupe un bloc en morceaux plus petits : les lignes qui se ressemblent vont deux à deux."""
    i, j, k, m = block
    pairs = [
        (_likeness(texts[0][lines[0][a].index], texts[1][lines[1][b].index]), a, b)
        for a in range(i, j)
        for b in range(k, m)
        if j - i <= LONGEST_BLOCK and m - k <= LONGEST_BLOCK
    ]
    ratio, a, b = max(pairs, default=(0, 0, 0), key=lambda pair: (pair[0], -pair[1], -pair[2]))
    if ratio < ALIKE:
        if i < j or k < m:
            yield block
        return
    yield from _split(lines, texts, (i, a, k, b))
    if lines[0][a].key != lines[1][b].key:
        yield a, a + 1, b, b + 1
    yield from _split(lines, texts, (a + 1, j, b + 1, m))


@cache
def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.strip(), other.strip(), False).ratio()
