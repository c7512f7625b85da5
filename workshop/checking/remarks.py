"""Ce dont Django avertit, et qui ne rend aucun but rouge : à dire quand tout est vert."""

import re
import subprocess
import tempfile
from pathlib import Path

from workshop.project.files import copy_project
from workshop.system.processes import project_environment

SECONDS = 30
# « ?: (urls.W005) … », puis parfois « HINT: … » : ce qui cloche, et ce qu'il faut en faire.
WARNING = re.compile(r"^(\S+): \((\w+\.W\d+)\) (.+)$", re.MULTILINE)
# « Migrations for 'chat': », puis le fichier, et une ligne pour chaque changement.
CHANGE = re.compile(r"^ +([+~-] .+)$", re.MULTILINE)


def remarks(project: Path, python: str) -> list[str]:
    """Renvoie ce dont Django avertit, en phrases ; rien s'il ne sait pas le dire.

    Deux commandes d'une seconde chacune, sur une copie : à lancer quand le verdict est déjà montré.
    """
    with tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "live"
        copy_project(project, copy)
        return [*_warnings(copy, python), *_missing_migration(copy, python)]


def _warnings(copy: Path, python: str) -> list[str]:
    _, said = _manage(copy, python, "check")
    return [
        f"Django avertit, pour {what} : {text} ({code})"
        if what != "?"
        else f"Django avertit : {text} ({code})"
        for what, code, text in WARNING.findall(said)
    ]


def _missing_migration(copy: Path, python: str) -> list[str]:
    code, said = _manage(copy, python, "makemigrations", "--check", "--dry-run")
    changes = CHANGE.findall(said)
    if code != 1 or not changes:
        return []
    return [
        "Vos modèles ont changé, et aucune migration ne le dit : tapez « python manage.py "
        f"makemigrations », puis « python manage.py migrate ». Il manque : {', '.join(changes)}."
    ]


def _manage(copy: Path, python: str, *arguments: str) -> tuple[int | None, str]:
    """Lance `manage.py` ; renvoie son code, None s'il ne finit pas, et ce qu'il a écrit."""
    try:
        done = subprocess.run(
            [python, "manage.py", *arguments, "--no-color"],
            cwd=copy,
            env=project_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, ""
    return done.returncode, done.stdout
