"""La page des fautes que fait vraiment une salle : ce que l'on voit, la cause, le remède."""

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from workshop.basics import ROOT
from workshop.chapters.steps import Step, all_steps

FOLDER = ROOT / "tests" / "mistakes"
# Le code de la cause, le but rouge, et ce que lit l'apprenant.
LAST_BLOCK = re.compile(
    r"```text(?: (?P<code>[\w-]+))?(?: (?P<goal>[\w/-]+))?\n(?P<message>(?:(?!```).)*)\n```\s*\Z",
    re.S,
)
INTRODUCTION = """\
# Les fautes

Celles que l'on fait vraiment en suivant les chapitres : on les a vues, ou lues chez d'autres.
Chacune est rejouée par les tests, et reçoit le message que l'on lit ici. À gauche, ce que l'on a
fait ; au milieu, ce que `verifier` observe ; à droite, ce qu'il en dit, et le fichier à ouvrir.

Cette page est *faite* des textes de `tests/mistakes/`."""
WHERE = re.compile(r"^Ouvrez (\S+?)(, ligne \d+)?\.$")


def faults() -> str:
    """Renvoie la page des fautes, en Markdown."""
    return "\n\n".join([INTRODUCTION, *map(_of_step, all_steps())]) + "\n"


def example(step: str, code: str, goal: str = "") -> Path | None:
    """Renvoie une faute qui reçoit ce code, la plus courte qui montre un programme.

    De préférence à cette étape, et à ce but. None si aucune ne l'a.
    """

    def rank(known: tuple[str, Path, str]) -> tuple:
        text, path, theirs = known
        near = path.parent.name == step
        return near, near and theirs == goal, text.count("```") > 2, -len(text)

    best = max(_by_code().get(code, ()), key=rank, default=None)
    return best and best[1]


@cache
def _by_code() -> dict[str, list[tuple[str, Path, str]]]:
    """Renvoie les fautes, par code : leur texte, leur fichier et le but qu'elles cassent."""
    found = defaultdict(list)
    for path in sorted(FOLDER.glob("*/*.md")):
        text = path.read_text("utf-8")
        block = LAST_BLOCK.search(text)
        found[block["code"]].append((text, path, block["goal"]))
    return found


def _of_step(step: Step) -> str:
    rows, harmless = defaultdict(list), []
    for path in sorted((FOLDER / step.slug).glob("*.md")):
        text = path.read_text("utf-8")
        title = text.splitlines()[0].removeprefix("# ")
        found = LAST_BLOCK.search(text)
        if found["code"]:
            rows[found["code"]].append(_row(title, found["message"]))
        else:
            harmless.append(title)
    parts = [f"## [{step.slug[:2]} · {step.title}]({step.shown_chapter})"]
    if rows:
        head = ["| la faute | ce que l'on voit | ce qu'il faut faire |", "|---|---|---|"]
        parts.append("\n".join([*head, *(row for one in rows.values() for row in one)]))
    if harmless:
        parts.append(f"Ne cassent rien : {' ; '.join(map(_cell, harmless))}.")
    return "\n\n".join(parts)


def _row(title: str, message: str) -> str:
    observed, *more = message.splitlines()
    cure = []
    for line in more:
        # La ligne dépend de ce que chacun a écrit ; le fichier, non.
        where = WHERE.match(line)
        cure.append(f"*{where[1]}*" if where else _cell(line))
    return f"| {_cell(title)} | {_cell(observed)} | {'<br>'.join(cure)} |"


def _cell(text: str) -> str:
    """Renvoie un texte tel qu'une case de tableau le montre, signe pour signe."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", text)
