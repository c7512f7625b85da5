"""`demo` : le chat d'une étape, une page pour lui parler quand il n'en a pas, et des trolls."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workshop.basics import ROOT
from workshop.chapters.steps import Step
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.system.processes import GUARD, project_environment

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "workshop.demo.settings", "PYTHONPATH": str(ROOT)}
ROOM = "/chat/poneys/"


@contextmanager
def running_demo(step: Step, port: int = 0) -> Iterator[Server]:
    """Donne le serveur de la solution d'une étape, sur une copie avec sa propre base."""
    with tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "live"
        copy_project(step.solution, copy)
        with Server(copy, port=port, environment=ENVIRONMENT) as server:
            yield server


def entrance(server: Server) -> str:
    """Renvoie l'adresse à ouvrir : le salon du projet s'il a sa page, sinon celle de l'atelier."""
    try:
        server.page(ROOM)
    except AssertionError:
        return f"{server.url}/"
    return server.url + ROOM


@contextmanager
def talking_trolls(server: Server, number: int, tempo: float = 1) -> Iterator[subprocess.Popen]:
    """Donne le processus où des trolls parlent dans le salon d'un serveur ; l'arrête à la sortie.

    `tempo` multiplie leurs pauses. Leur journal s'ajoute à celui du serveur.
    """
    arguments = [server.url, str(number), str(tempo)]
    with server.log_path.open("ab") as log:
        process = subprocess.Popen(
            [server.python, str(GUARD), "-m", "workshop.demo.trolls", *arguments],
            cwd=server.project,
            env=project_environment() | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
