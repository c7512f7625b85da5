"""Donne à notre chat les noms d'un autre projet : son paquet, son application."""

import re
from pathlib import Path

from workshop.project.files import copied

PROJECT, APPLICATION = "live", "chat"
# Les fichiers auxquels on reconnaît le dossier d'un chat.
SIGNS = ("consumers.py", "routing.py", "apps.py")


def names_of(learner: Path, settings: str) -> dict[str, str]:
    """Renvoie ceux des noms d'un projet qui ne sont pas les nôtres : nos noms, puis les siens.

    `settings` est le module de réglages qu'il choisit.
    """
    package, _, module = settings.partition(".")
    found = {PROJECT: package} if module and (learner / package).is_dir() else {}
    if not (learner / APPLICATION).is_dir():
        folders = {path.parent for sign in SIGNS for path in learner.glob(f"*/{sign}")}
        others = {folder.name for folder in folders} - {package}
        found |= {APPLICATION: others.pop()} if len(others) == 1 else {}
    return {ours: theirs for ours, theirs in found.items() if ours != theirs}


def rename(chat: Path, names: dict[str, str]) -> None:
    """Change le nom de nos dossiers, et tout ce qui les nomme dans notre code."""
    for ours, theirs in names.items():
        modules = "|".join(path.stem for path in (chat / ours).glob("*.py"))
        for path in copied(chat):
            if path.suffix in (".py", ".ini", ".toml"):
                text = path.read_text("utf-8")
                path.write_text(_renamed(text, ours, theirs, modules), "utf-8")
        (chat / ours).rename(chat / theirs)


def _renamed(text: str, ours: str, theirs: str, modules: str) -> str:
    text = re.sub(rf"\b(from|import) {ours}(?=[.\s])", rf"\1 {theirs}", text)
    # « chat.message » est une sorte d'événement, et non un module.
    text = re.sub(rf"(['\"= ]){ours}\.(?=({modules})\b)", rf"\1{theirs}.", text)
    return re.sub(rf"(['\"]){ours}\1", rf"\1{theirs}\1", text)
