"""Ce que l'on montre d'une vérification : les buts, la cause du but rouge, l'écran de `suivre`."""

import os
import re
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from workshop.chapters.steps import Step, all_steps
from workshop.checking.checking import Report
from workshop.system.terminal import MARKS

KEYS = {
    "n": "suivante",
    "i": "indice",
    "s": "solution",
    "d": "démo",
    "v": "vérifier",
    "t": "trace",
    "q": "quitter",
}
# Celles de la salle ne se montrent que dans une salle, sur sa ligne.
ROOM_KEYS = ("b", "x")
WIDEST = 100
TOOLS = re.compile(
    r'^  File ".*[\\/](?:_pytest|pluggy|pytest_asyncio|asyncio)[\\/].*\n(?:    .*\n)*', re.M
)


@dataclass
class View:
    """Ce que montre l'écran de `suivre`.

    `green` sont les étapes déjà réussies, `status` dit ce qui se passe, `note` répond à une
    touche, et `panel` remplace les buts : un indice, une différence, une trace. `welcome` est vrai
    tant que l'on n'a rien enregistré. `room` est la place que l'on a dans une salle.
    """

    step: Step
    report: Report | None = None
    green: frozenset[str] = frozenset()
    status: str = ""
    note: str = ""
    panel: RenderableType | None = None
    welcome: bool = True
    checking: bool = False
    room: str = ""


def goals(report: Report) -> RenderableType:
    """Renvoie les buts d'une étape et, sous le but rouge, ce que l'on sait de sa cause."""
    lines = []
    for goal in report.goals:
        waiting = " (en attente)" if goal.state == "waiting" else ""
        style = "dim" if waiting else "none"
        lines.append(f"  {MARKS[goal.state]} [{style}]{escape(goal.text)}{waiting}[/]")
        if goal.state == "failed" and report.diagnosis:
            lines.append(_under(diagnosis(report.diagnosis)))
        elif goal.reason:
            lines.append(_under(escape(goal.reason)))
    return Group(*lines)


def diagnosis(found) -> str:
    """Renvoie une explication : ce que l'on a observé, la cause, l'endroit à ouvrir."""
    parts = [escape(found.observed), escape(found.cause or ""), f"[bold]{escape(found.where)}[/]"]
    return "\n".join(
        part for part, said in zip(parts, (1, found.cause, found.where), strict=True) if said
    )


def screen(view: View) -> RenderableType:
    """Renvoie l'écran de `suivre`, sauf la ligne des touches."""
    parts = [heading(view), ""]
    if view.panel is not None:
        parts += [view.panel]
    else:
        if view.welcome:
            parts += [welcome(view), ""]
        if view.report and view.report.goals:
            parts += [goals(view.report), ""]
            parts += [] if view.checking else [conclusion(view)]
    parts += ["", f"[dim]{escape(view.status)}[/]"] if view.status else []
    parts += [f"[cyan]{escape(view.room)}[/]"] if view.room else []
    parts += [f"[yellow]{escape(view.note)}[/]"] if view.note else []
    return Group(*parts)


def heading(view: View) -> RenderableType:
    """Renvoie le parcours, l'étape en cours et les minutes qui restent."""
    marks = []
    for step in all_steps():
        if step.slug == view.step.slug:
            marks.append(f"[bold]▸ {step.slug[:2]}[/]")
        elif step.slug in view.green:
            marks.append(f"[green]✔[/] {step.slug[:2]}")
        else:
            marks.append(f"[dim]· {step.slug[:2]}[/]")
    title = f"[bold]Étape {view.step.slug[:2]} · {escape(view.step.title)}[/] ({remaining(view)})"
    # Hors d'un terminal, une ligne n'a pas de bord : ce trait en a un.
    rule = Constrain(Rule(style="dim"), WIDEST)
    return Group(" ".join(marks), rule, title, f"[dim]{view.step.shown_chapter}[/]")


def remaining(view: View) -> str:
    """Renvoie les minutes qui restent dans l'étape, à proportion de ses buts."""
    if not view.report or not view.report.goals:
        return f"{view.step.minutes} minutes"
    if view.report.passed:
        return "réussie"
    left = sum(goal.state != "passed" for goal in view.report.goals)
    minutes = -(-view.step.minutes * left // len(view.report.goals))
    return f"encore {minutes} minutes environ"


def welcome(view: View) -> str:
    """Renvoie où l'on s'était arrêté, et les terminaux à rouvrir."""
    number = view.step.number
    if number == 1:
        return f"Ouvrez {view.step.shown_chapter}, et suivez-le. Terminal à ouvrir : « projet »."
    activate = ".venv\\Scripts\\Activate.ps1" if os.name == "nt" else "source .venv/bin/activate"
    lines = [
        f"Vous en étiez à l'étape {view.step.slug[:2]}. Terminaux à rouvrir, s'ils sont fermés :",
        f"  « projet »   cd live, puis {activate}",
        "  « serveur »  de même, puis python manage.py runserver",
    ]
    return "\n".join(map(escape, lines))


def conclusion(view: View) -> str:
    """Renvoie la phrase qui suit les buts : quoi faire maintenant."""
    report = view.report
    if report.passed:
        following = view.step.following
        last = "C'était la dernière du parcours. Bravo !"
        then = f"La suite : {following.shown_chapter}" if following else last
        remarks = [f"[yellow]À noter : {escape(one)}[/]" for one in report.remarks]
        return "\n".join([f"[green]Étape réussie.[/] {then}", *remarks])
    if report.passed is False and view.step.number == 1:
        return "Pas encore. Continuez : la vérification repart d'elle-même."
    if report.passed is False:
        return "Pas encore. Corrigez et enregistrez : la vérification repart d'elle-même."
    return "Un but n'a pas pu être vérifié : suivez la phrase ci-dessus."


def keys_line() -> str:
    """Renvoie la ligne des touches, toujours visible."""
    return " · ".join(f"{key} {name}" for key, name in KEYS.items())


def text(renderable: RenderableType, width: int, color: bool = True) -> str:
    """Renvoie un texte coupé aux mots à `width` colonnes, en couleurs ANSI ou sans."""
    console = Console(
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def trace_panel(report: Report | None) -> RenderableType:
    """Renvoie la trace d'une vérification, sans les lignes des outils qui la font tourner."""
    trace = TOOLS.sub("", report.trace).strip() if report else ""
    return Text(trace or "Aucune trace : rien n'a encore été vérifié.")


def _under(words: str) -> Padding:
    return Padding(words, (0, 0, 0, 6), expand=False)
