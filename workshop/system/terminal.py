"""Le terminal : la sortie des commandes, et les marques des buts."""

import re
import sys

import rich._wrap
from rich.console import Console

MARKS = {
    "passed": "[green]✔[/]",
    "failed": "[red]✘[/]",
    "waiting": "[dim]·[/]",
    "skipped": "[yellow]?[/]",
}

# rich couperait une ligne aux espaces insécables.
rich._wrap.re_word = re.compile(r"[ \t\n]*[^ \t\n]+[ \t\n]*")


def out() -> Console:
    """Renvoie la sortie des commandes : coupée aux mots dans un terminal, jamais ailleurs."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)
