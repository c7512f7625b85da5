"""Un texte seul devient du HTML : la feuille à imprimer, les passages que montre le tableau."""

import re
from collections import Counter
from html import escape
from itertools import pairwise
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

PAGE = Template(Path(__file__).with_name("page.html").read_text("utf-8"))


def page(markdown: str, style: str = "") -> str:
    """Renvoie la page d'un texte, avec le titre de son h1 ; `style` est du CSS en plus."""
    tokens = PARSER.parse(markdown)
    slugs, title = Counter(), ""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", anchor(plain(inline), slugs))
            title = title or plain(inline)
    return PAGE.substitute(
        title=escape(title),
        light=_colors("xcode"),
        dark=_colors("lightbulb"),
        style=style,
        body=PARSER.renderer.render(tokens, PARSER.options, {}),
    )


def anchor(title: str, seen: Counter) -> str:
    """Renvoie l'ancre que GitHub donne à un titre ; compte dans `seen` celles déjà données."""
    slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
    seen[slug] += 1
    return slug if seen[slug] == 1 else f"{slug}-{seen[slug] - 1}"


def plain(inline: Token) -> str:
    """Renvoie le texte d'un titre, sans ses marques."""
    return "".join(one.content for one in inline.children if one.type in ("text", "code_inline"))


def _highlighted(code: str, language: str, _) -> str:
    """Renvoie le code coloré, ou rien si l'on ne connaît pas son langage."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return ""
    return highlight(code, lexer, HtmlFormatter(nowrap=True))


def _colors(style: str) -> str:
    return HtmlFormatter(style=style).get_style_defs("code")


PARSER = MarkdownIt("commonmark", {"highlight": _highlighted}).enable("table")
