"""Les fichiers d'un projet, tels que l'apprenant les a écrits."""

import ast
import difflib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from workshop.project.files import copied

# Python 3.11 se trompe quand deux fils lisent à la fois (python/cpython#106905).
_one_at_a_time = Lock()


def parsed(text: str) -> ast.Module | None:
    """Renvoie l'arbre d'un texte en Python, ou None s'il ne se lit pas."""
    with _one_at_a_time:
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            return None


@dataclass(frozen=True)
class Place:
    """Une ligne d'un fichier du projet ; `function` est celle où elle se trouve."""

    file: str
    line: int | None = None
    function: str = ""


class Source:
    """Un fichier Python du projet. `tree` est None s'il ne se lit pas."""

    def __init__(self, path: Path, name: str):
        self.path, self.name = path, name

    @cached_property
    def text(self) -> str:
        return self.path.read_text("utf-8-sig", "replace") if self.path.is_file() else ""

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module | None:
        return parsed(self.text)

    @property
    def nodes(self) -> list[ast.AST]:
        return [*ast.walk(self.tree)] if self.tree else []

    def line(self, number: int | None) -> str:
        """Renvoie une ligne, sans ses espaces ; vide si elle n'existe pas."""
        return self.lines[number - 1].strip() if number and number <= len(self.lines) else ""

    @property
    def defined(self) -> dict[str, int]:
        """Les noms que le module définit lui-même, sans ceux qu'il importe."""
        imported = {
            (alias.asname or alias.name).split(".")[0]
            for node in (self.tree.body if self.tree else ())
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        return {name: line for name, line in self.names.items() if name not in imported}

    @cached_property
    def names(self) -> dict[str, int]:
        """Les noms définis au niveau du module, avec leur ligne."""
        found = {}
        for node in self.tree.body if self.tree else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found[node.name] = node.lineno
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {
                    name.id: name.lineno
                    for target in targets
                    for name in ast.walk(target)
                    if isinstance(name, ast.Name)
                }
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {(a.asname or a.name).split(".")[0]: node.lineno for a in node.names}
        return found


class Project:
    """Un dossier de `manage.py` : ses fichiers, et ce que l'on y trouve."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self._sources: dict[str, Source] = {}

    @cached_property
    def files(self) -> list[str]:
        """Les fichiers écrits par l'apprenant, par chemin relatif."""
        return sorted(path.relative_to(self.folder).as_posix() for path in copied(self.folder))

    def relative(self, path: str) -> str | None:
        """Renvoie le chemin relatif d'un fichier du projet, ou None s'il est d'ailleurs."""
        if path.startswith("<"):
            return None
        try:
            found = Path(self.folder, path).resolve().relative_to(self.folder)
        except (ValueError, OSError):
            return None
        return None if "site-packages" in found.parts else found.as_posix()

    def source(self, name: str) -> Source:
        if name not in self._sources:
            self._sources[name] = Source(self.folder / name, name)
        return self._sources[name]

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    @property
    def sources(self) -> list[Source]:
        return [self.source(name) for name in self.files if name.endswith(".py")]

    @cached_property
    def modules(self) -> dict[str, str]:
        """Les modules du projet : nom pointé, fichier."""
        found = {}
        for name in self.files:
            if name.endswith(".py"):
                dotted = name[:-3].replace("/", ".")
                found[dotted.removesuffix(".__init__")] = name
        return found

    def using(self, *names: str) -> list[Place]:
        """Renvoie les lignes qui emploient l'un de ces noms, comme attribut, variable ou texte."""
        found = []
        for source in self.sources:
            for node in source.nodes:
                name = getattr(node, "attr", getattr(node, "id", getattr(node, "value", None)))
                if isinstance(node, ast.Attribute | ast.Name | ast.Constant) and name in names:
                    found.append(Place(source.name, node.lineno))
        return found

    def saying(self, text: str) -> list[Place]:
        """Renvoie les lignes dont un texte se retrouve dans celui-ci, le plus long d'abord."""
        found = []
        for source in self.sources:
            for node in source.nodes:
                piece = getattr(node, "value", None)
                if isinstance(piece, str) and len(piece.strip()) > 1 and piece.strip() in text:
                    found.append((-len(piece), Place(source.name, node.lineno)))
        return [place for _, place in sorted(found, key=lambda one: one[0])]

    def where_is(self, name: str) -> Place | None:
        """Renvoie l'endroit du projet qui définit ce nom, s'il y en a un seul."""
        places = [
            Place(source.name, source.names[name])
            for source in self.sources
            if name in source.defined
        ]
        return places[0] if len(places) == 1 else None


def closest(name: str, names) -> str | None:
    """Renvoie le nom le plus proche, à une faute de frappe près, ou None.

    La casse ne compte pas : « chatconsumer » est ChatConsumer. Des lettres échangées, ou un nom
    qui en contient un autre, sont aussi des fautes de frappe.
    """
    folded = {_folded(other): other for other in reversed([*names]) if other != name}
    wanted = _folded(name)
    if wanted in folded:
        return folded[wanted]
    for other in folded:
        if sorted(other) == sorted(wanted):
            return folded[other]
    if found := difflib.get_close_matches(wanted, folded, 1, cutoff=0.78):
        return folded[found[0]]
    inside = [
        other
        for other in folded
        if min(len(other), len(wanted)) > 4 and (other in wanted or wanted in other)
    ]
    return folded[inside[-1]] if inside else None


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")
