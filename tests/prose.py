"""La prose du dépôt, fragment par fragment : textes, pages, messages, docstrings, commentaires."""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from markdown_it.token import Token

from workshop import ROOT
from workshop.chapters import PARSER

# Ce qui n'est pas à nous, ou pas de la prose : ce que l'on installe, et le projet de chacun.
LEFT = {".git", ".venv", ".atelier", "live", "solutions", "paquets", "node_modules"}
CODE = "\ufffc"


@dataclass(frozen=True)
class Text:
    """Un fragment de prose. Le code qu'il cite y est remplacé par le signe CODE."""

    path: Path
    line: int
    content: str

    def __str__(self):
        return f"{self.path.relative_to(ROOT).as_posix()}:{self.line}"


def files(*suffixes: str) -> list[Path]:
    """Renvoie les fichiers du dépôt qui ont un de ces suffixes."""
    return [
        path
        for path in sorted(ROOT.rglob("*"))
        if path.suffix in suffixes and not LEFT & set(path.relative_to(ROOT).parts)
    ]


def texts(path: Path) -> Iterator[Text]:
    """Donne la prose d'un fichier."""
    reader = tests if path.parent == ROOT / "tests" else READERS[path.suffix]
    for line, content in reader(path.read_text("utf-8")):
        yield Text(path, line, content)


def markdown(source: str) -> Iterator[tuple[int, str]]:
    for token in PARSER.parse(source):
        if token.type == "inline":
            yield token.map[0] + 1, "".join(map(words, token.children))
        elif token.type == "html_block":
            yield token.map[0] + 1, visible(token.content)


def words(token: Token) -> str:
    """Renvoie ce que lit un lecteur dans un jeton de Markdown."""
    if token.type == "code_inline":
        return CODE
    return "\n" if token.type in ("softbreak", "hardbreak") else token.content


class Reader(HTMLParser):
    """Retient le texte visible d'une page."""

    def __init__(self):
        super().__init__()
        self.hidden, self.found = 0, []

    def handle_starttag(self, tag, attributes):
        self.hidden += tag in ("style", "script", "code")
        self.found += [CODE] if tag == "code" else []
        self.found += [value for name, value in attributes if name in SHOWN_ATTRIBUTES]

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script", "code")

    def handle_data(self, data):
        if not self.hidden:
            self.found.append(data)


SHOWN_ATTRIBUTES = ("title", "placeholder", "aria-label", "alt")


def visible(source: str) -> str:
    reader = Reader()
    reader.feed(re.sub(r"<!--.*?-->", "", source, flags=re.S))
    return "".join(reader.found)


def page(source: str) -> Iterator[tuple[int, str]]:
    yield 1, visible(source)


def toml(source: str) -> Iterator[tuple[int, str]]:
    for value in tomllib.loads(source).values():
        yield from ((1, item) for item in value if " " in item)


def python(source: str) -> Iterator[tuple[int, str]]:
    """Les commentaires, les docstrings et les messages, mais pas les motifs."""
    yield from comments(source)
    for line, content in strings(ast.parse(source)):
        if " " in content and "\\" not in content:
            yield line, quoted(content)


def tests(source: str) -> Iterator[tuple[int, str]]:
    """Les commentaires et les docstrings : les autres chaînes d'un test sont des données."""
    yield from comments(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), quoted(ast.get_docstring(node) or "")


def comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.removeprefix("# ")


def strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Donne les chaînes d'un arbre, f-chaînes comprises, avec leur ligne."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else CODE for part in node.values]
        yield node.lineno, "".join(parts)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def quoted(content: str) -> str:
    """Renvoie un texte où ce qui est entre accents graves est remplacé par CODE."""
    return re.sub(r"`[^`]+`", CODE, content)


READERS = {".md": markdown, ".html": page, ".toml": toml, ".py": python}
