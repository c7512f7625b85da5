"""Compare un projet à la solution d'une étape, sans ce qui ne change rien à ce qu'il fait."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from pygments.lexers import TextLexer, get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, String
from pygments.util import ClassNotFound
from rich.console import Group
from rich.text import Text

from workshop.project.files import copied

AROUND = 2
STYLES = {"-": "red", "+": "green", "⋮": "dim", " ": "dim"}


class Line(NamedTuple):
    """Une ligne d'une différence : la mienne (-), celle de la solution (+), ou les deux.

    `number` est le numéro de la mienne. Le signe « ⋮ » sépare deux endroits du fichier.
    """

    sign: str
    number: int | None
    text: str


@dataclass(frozen=True)
class FileDifference:
    """Un fichier qui diffère. `state` : changed, missing (il me manque) ou extra (à moi seul)."""

    path: str
    state: str
    lines: list[Line] = field(default_factory=list)


class Significant(NamedTuple):
    """Une ligne qui compte : son rang dans le fichier, et ce qu'elle dit."""

    index: int
    key: tuple


def differences(project: Path, solution: Path) -> list[FileDifference]:
    """Renvoie les fichiers qui diffèrent d'une solution, dans l'ordre des chemins.

    Ne comptent ni les commentaires, les lignes vides et les espaces, ni la sorte de guillemets, ni
    la valeur de SECRET_KEY. Les fichiers cachés de l'apprenant ne sont pas nommés.
    """
    mine, theirs = _files(project), _files(solution)
    found = []
    for path in sorted({*mine, *theirs}):
        if path not in theirs:
            if not any(part.startswith(".") for part in path.split("/")):
                found.append(FileDifference(path, "extra"))
        elif path not in mine:
            lines = [Line("+", None, text) for text in read(theirs[path]).splitlines()]
            found.append(FileDifference(path, "missing", lines))
        elif (one := read(mine[path])) != (other := read(theirs[path])) and (
            lines := list(_compared(path, one, other))
        ):
            found.append(FileDifference(path, "changed", lines))
    return found


def differences_panel(found: list[FileDifference]) -> Group:
    """Renvoie les différences, comme on les lit : un titre par fichier, puis ses lignes."""
    text = Text()
    for file in found:
        if file.state == "extra":
            continue
        text.append(file.path, "bold")
        text.append("  (il vous manque)\n" if file.state == "missing" else "\n", "dim")
        for line in file.lines or [Line(" ", None, "(fichier vide)")]:
            number = "" if line.number is None else line.number
            text.append(f"{number:>5} ", "dim")
            text.append(f"{line.sign} {line.text}".rstrip() + "\n", STYLES[line.sign])
        text.append("\n")
    extra = [file.path for file in found if file.state == "extra"]
    if extra:
        text.append(f"À vous seul : {', '.join(extra)}\n")
    return Group(text)


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in copied(folder)}


def read(path: Path) -> str:
    """Renvoie le texte d'un fichier ; toutes les SECRET_KEY s'y valent."""
    text = path.read_text("utf-8-sig", errors="replace")
    return re.sub(r"(?m)^SECRET_KEY *=(?! *(''|\"\")).*", "SECRET_KEY = …", text)


def _compared(path: str, mine: str, theirs: str) -> Iterator[Line]:
    """Donne les lignes qui diffèrent, avec quelques-unes autour ; rien si tout se vaut."""
    texts = mine.split("\n"), theirs.split("\n")
    lines, matcher = matched(path, mine, theirs)
    groups = matcher.get_grouped_opcodes(AROUND)
    differing = [group for group in groups if {one[0] for one in group} != {"equal"}]
    for rank, group in enumerate(differing):
        if rank:
            yield Line("⋮", None, "")
        for operation, start, end, other_start, other_end in group:
            sign = " " if operation == "equal" else "-"
            for index, _ in lines[0][start:end]:
                yield Line(sign, index + 1, texts[0][index])
            if operation != "equal" and other_start < other_end:
                # En entier, lignes vides comprises : elles se recopient telles quelles.
                first, last = lines[1][other_start].index, lines[1][other_end - 1].index
                for text in texts[1][first : last + 1]:
                    yield Line("+", None, text)


def matched(
    path: str, mine: str, theirs: str
) -> tuple[tuple[list["Significant"], list["Significant"]], SequenceMatcher]:
    """Renvoie les lignes qui comptent de deux textes, et ce qui les rapproche.

    Des lignes coupées autrement, et qui disent la même chose, y sont égales.
    """
    lines = significant(path, mine), significant(path, theirs)
    matcher = SequenceMatcher(None, *([key for _, key in side] for side in lines), autojunk=False)
    # La liste que rend difflib est celle dont il tire ensuite ses groupes.
    operations = matcher.get_opcodes()
    for rank, (_, i, j, k, m) in enumerate(operations):
        if j - i != m - k and _flat(lines[0][i:j]) == _flat(lines[1][k:m]):
            operations[rank] = ("equal", i, j, k, m)
    return lines, matcher


def significant(path: str, text: str) -> list[Significant]:
    """Renvoie les lignes d'un fichier qui comptent ; deux qui disent la même chose sont égales."""
    lexer = _lexer(path)
    parts = [[]]
    for kind, value in lexer.get_tokens(text):
        first, *others = value.split("\n")
        parts[-1].append((kind, first))
        parts += [[(kind, other)] for other in others]
    found, levels = [], [0]
    # pygments ajoute au besoin une dernière ligne, vide.
    for index, (line, tokens) in enumerate(zip(text.split("\n"), parts, strict=False)):
        key = [word for kind, value in tokens if (word := _word(kind, value))]
        if not key:
            continue
        width = len(line) - len(line.lstrip())
        while levels[-1] > width:
            levels.pop()
        if levels[-1] < width:
            levels.append(width)
        # En Python, l'indentation a un sens ; de deux espaces ou de quatre, c'est un cran.
        level = len(levels) if lexer.name == "Python" else 0
        found.append(Significant(index, (level, *key)))
    return found


def _flat(lines: list[Significant]) -> str:
    """Renvoie des lignes mises bout à bout : un outil a pu en couper une trop longue."""
    words = [word for line in lines for word in line.key[1:]]
    # L'outil ajoute aussi une virgule à la fin de ce qu'il coupe.
    return re.sub(r" ,(?= [)\]}])", "", " ".join([str(line.key[0]) for line in lines[:1]] + words))


def _word(kind, value: str) -> str:
    """Renvoie ce que dit un morceau de code : un commentaire, rien ; ses guillemets se valent."""
    if kind in Comment or kind in String.Doc:
        return ""
    if kind not in String:
        return value.strip()
    if quote := {String.Single: "'", String.Double: '"'}.get(kind):
        value = re.sub(rf"(?<!\\){quote}", "\0", value)
    return re.sub(r"\\(['\"])", r"\1", value)


def _lexer(path: str):
    try:
        lexer = get_lexer_for_filename(path, stripnl=False)
    except ClassNotFound:
        lexer = TextLexer()
    # Dans requirements.txt, les commentaires s'écrivent comme en Python.
    return get_lexer_by_name("python", stripnl=False) if lexer.name == "Text only" else lexer
