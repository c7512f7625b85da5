"""Les indices d'un chapitre, un par un : ceux du but qui résiste, et combien on en a déjà vu."""

import json
import re
from dataclasses import dataclass
from html import unescape
from itertools import pairwise

from rich.console import Console, ConsoleOptions, Group
from rich.markdown import Markdown
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.text import Text
from rich.theme import Theme

from workshop.basics import WorkshopError
from workshop.chapters.steps import Step
from workshop.system.memory import keep, kept

FOLDED = re.compile(r"^<details><summary>(.+?)</summary>\n(.+?)^</details>", re.M | re.S)


@dataclass(frozen=True)
class Hint:
    """Un indice : son titre, et son texte en Markdown."""

    title: str
    body: str


def hints(step: Step) -> dict[str, list[Hint]]:
    """Renvoie les indices d'un chapitre, par but : les titres de sa partie « Indices »."""
    headings = [
        (opening.tag, inline.content, opening.map)
        for opening, inline in pairwise(step.tokens)
        if opening.type == "heading_open"
    ]
    lines = step.chapter.read_text("utf-8").splitlines(keepends=True)
    found, inside = {}, False
    for (tag, title, (_, start)), (_, _, (end, _)) in pairwise(headings):
        if tag == "h2":
            inside = title == "Indices"
        elif inside:
            found[title] = [
                Hint(unescape(re.sub(r"<[^>]+>", "", summary)), body.strip())
                for summary, body in FOLDED.findall("".join(lines[start:end]))
            ]
    return found


def next_hint(step: Step, goal_id: str, goal_text: str) -> tuple[Hint, int, int]:
    """Renvoie l'indice suivant d'un but, son rang et leur nombre ; retient qu'il a été vu.

    Quand tous l'ont été, c'est encore le dernier : le rang est alors égal au nombre. Lève
    WorkshopError si le chapitre n'en a pas pour ce but.
    """
    found = hints(step).get(goal_text)
    if not found:
        raise WorkshopError(
            f"Le chapitre n'a pas d'indice pour ce but. Relisez-le : {step.shown_chapter}"
        )
    shown = _shown()
    ranks = shown.setdefault(step.slug, {})
    rank = ranks[goal_id] = min(ranks.get(goal_id, 0) + 1, len(found))
    keep("hints", json.dumps(shown))
    return found[rank - 1], rank, len(found)


def _shown() -> dict[str, dict[str, int]]:
    try:
        return json.loads(kept("hints") or "{}")
    except ValueError:
        # Une machine arrêtée pendant l'écriture : on en est quitte pour relire un indice.
        return {}


def hint_panel(step: Step, goal_id: str, goal_text: str) -> Padding:
    """Renvoie l'indice suivant d'un but, comme on le lit."""
    return shown(*next_hint(step, goal_id, goal_text))


def shown(hint: Hint, rank: int, total: int) -> Padding:
    """Renvoie un indice, comme on le lit ; le dernier dit qu'il l'est."""
    title = f"[bold]{escape(hint.title)}[/] [dim](sur {total})[/]"
    last = ["", "[dim]C'est le dernier pour ce but.[/]"] if rank == total else []
    return Padding(Group(title, Prose(hint.body), *last), (0, 0, 0, 4), expand=False)


class Prose:
    """Un texte Markdown, mis en forme dans un terminal ; ailleurs, tel quel."""

    def __init__(self, markdown: str):
        self.markdown = markdown

    def __rich_console__(self, console: Console, options: ConsoleOptions):
        if not console.is_terminal:
            yield Text(self.markdown)
            return
        # Le noir que rich met derrière le code ne va qu'aux terminaux noirs.
        with console.use_theme(Theme({"markdown.code": "bold cyan"})):
            yield from console.render(Markdown(self.markdown, code_theme="ansi_light"), options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, Text(self.markdown))
