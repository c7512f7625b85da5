"""Le Python d'un projet, et les réglages que choisit son `manage.py`."""

import contextlib
import os
import sys
from functools import cache
from pathlib import Path

SETTINGS = "DJANGO_SETTINGS_MODULE"
DEFAULT = "live.settings"


def project_python(project: Path) -> str:
    """Renvoie le Python de l'environnement du projet, ou une chaîne vide s'il n'en a pas."""
    name = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    python = project / ".venv" / name
    return str(python) if python.exists() else ""


@cache
def settings_module(project: Path) -> str:
    """Renvoie le module de réglages que choisit `manage.py`.

    On l'exécute, et l'on s'arrête où Django prendrait la main : il y a plus d'une façon de nommer
    des réglages. « live.settings » s'il n'y arrive pas.
    """
    from django.core.management import ManagementUtility

    chosen = [DEFAULT]

    def note(utility) -> None:
        chosen[0] = os.environ.get(SETTINGS, DEFAULT)

    manage = project / "manage.py"
    execute, ManagementUtility.execute = ManagementUtility.execute, note
    environment, path, arguments = os.environ.pop(SETTINGS, None), [*sys.path], [*sys.argv]
    sys.path.insert(0, str(project))
    sys.argv[:] = [str(manage), "runserver"]
    try:
        # Ce que lève manage.py, le vrai serveur le dira.
        with contextlib.suppress(Exception, SystemExit):
            code = compile(manage.read_bytes(), str(manage), "exec")
            exec(code, {"__name__": "__main__", "__file__": str(manage)})
    finally:
        ManagementUtility.execute = execute
        sys.path[:], sys.argv[:] = path, arguments
        os.environ.pop(SETTINGS, None)
        if environment is not None:
            os.environ[SETTINGS] = environment
    return chosen[0]
