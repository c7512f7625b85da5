"""La prose du dépôt, fragment par fragment : textes, pages, messages, docstrings, commentaires."""

import ast
import io
import os
import re
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from markdown_it.token import Token

from workshop.basics import ROOT
from workshop.chapters.steps import PARSER

# Ce qui n'est pas à nous, ou n'est pas la source : ce que l'on installe, le travail de chacun, et
# ce qui se fait à partir des chapitres et des diapositives.
LEFT = {".git", ".venv", ".atelier", "live", "carnets", "paquets", "node_modules"}
LEFT |= {"solutions", "html"}
# Des messages cités signe pour signe, avec le code et les fautes de frappe de chacun.
QUOTED = {"FAUTES.md"}
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
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = set(folders) - LEFT
        names = {*names} - QUOTED
        found += [Path(folder, name) for name in names if name.endswith(suffixes)]
    return sorted(found)


def texts(path: Path) -> Iterator[Text]:
    """Donne la prose d'un fichier."""
    ours = path.suffix == ".py" and path.is_relative_to(ROOT / "tests")
    reader = tests if ours else READERS[path.suffix]
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
        self.tag, self.hidden, self.found, self.scripts = "", 0, [], []

    def handle_starttag(self, tag, attributes):
        self.tag = tag
        self.hidden += tag in ("style", "script", "code")
        self.found += [CODE] if tag == "code" else []
        self.found += [value for name, value in attributes if name in SHOWN_ATTRIBUTES]

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script", "code")

    def handle_data(self, data):
        if not self.hidden:
            self.found.append(data)
        elif self.tag == "script":
            self.scripts.append((self.getpos()[0], data))


SHOWN_ATTRIBUTES = ("title", "placeholder", "aria-label", "alt")


def visible(source: str) -> str:
    reader = Reader()
    # Les balises d'un gabarit de Django ne se lisent pas ; ce qu'elles écrivent se lira.
    source = re.sub(r"<!--.*?-->|\{%.*?%\}", "", source, flags=re.S)
    reader.feed(re.sub(r"\{\{.*?\}\}", CODE, source))
    return "".join(reader.found)


def page(source: str) -> Iterator[tuple[int, str]]:
    yield 1, visible(source)
    reader = Reader()
    reader.feed(source)
    for start, script in reader.scripts:
        yield from ((start + line - 1, content) for line, content in javascript(script))


JAVASCRIPT = re.compile(
    r"""// (?P<comment>[^\n]*)|/\*(?P<block>.*?)\*/"""
    r"""|(?P<quote>["'`])(?P<string>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""",
    re.S,
)


def javascript(source: str) -> Iterator[tuple[int, str]]:
    """Les commentaires et les chaînes, sans ce qu'un gabarit y met."""
    for found in JAVASCRIPT.finditer(source):
        content = next(filter(None, found.group("comment", "block", "string")), "")
        if " " in content:
            line = source.count("\n", 0, found.start()) + 1
            yield line, quoted(re.sub(r"\$\{[^}]*\}", CODE, content))


def toml(source: str) -> Iterator[tuple[int, str]]:
    for value in tomllib.loads(source).values():
        yield from ((1, item) for item in value if " " in item)


def python(source: str) -> Iterator[tuple[int, str]]:
    """Les commentaires, les docstrings et les messages, mais pas les motifs, qui sont bruts."""
    yield from comments(source)
    lines = source.encode().split(b"\n")
    for node, content in strings(ast.parse(source)):
        raw = re.match(rb"f?r", lines[node.lineno - 1][node.col_offset :])
        if " " in content and not raw:
            yield node.lineno, quoted(content)


def tests(source: str) -> Iterator[tuple[int, str]]:
    """Les commentaires et les docstrings : les autres chaînes d'un test sont des données."""
    yield from comments(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), quoted(ast.get_docstring(node) or "")


def comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], quoted(token.string.removeprefix("# "))


def strings(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Donne les chaînes d'un arbre, f-chaînes comprises, avec leur nœud."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else CODE for part in node.values]
        yield node, "".join(parts)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node, node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def quoted(content: str) -> str:
    """Renvoie un texte où ce qui est entre accents graves est remplacé par CODE."""
    return re.sub(r"`[^`]+`", CODE, content)


READERS = {
    ".md": markdown,
    ".html": page,
    ".js": javascript,
    ".mjs": javascript,
    ".toml": toml,
    ".py": python,
}
