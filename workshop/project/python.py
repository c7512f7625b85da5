"""Le Python d'un projet, et les réglages que nomme son `manage.py`."""

import ast
import contextlib
import os
from pathlib import Path


def project_python(project: Path) -> str:
    """Renvoie le Python de l'environnement du projet, ou une chaîne vide s'il n'en a pas."""
    name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    python = project / ".venv" / name
    return str(python) if python.exists() else ""


def settings_module(project: Path) -> str:
    """Renvoie le module de réglages que nomme `manage.py`."""
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        for node in ast.walk(ast.parse((project / "manage.py").read_text("utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) == 2:
                values = [
                    argument.value for argument in node.args if isinstance(argument, ast.Constant)
                ]
                if len(values) == 2 and values[0] == "DJANGO_SETTINGS_MODULE":
                    return values[1]
    return "live.settings"
