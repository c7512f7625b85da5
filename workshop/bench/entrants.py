"""Ce qui court dans `banc` : un chat, un serveur, et la façon de lui parler."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project, has_migrations
from workshop.project.python import project_python, settings_module
from workshop.project.serving import Server
from workshop.system.processes import project_environment

# Un message, pour qui ne parle pas comme les chapitres.
MESSAGE = '{"message": "%s"}'
# Les étapes qui courent : le premier chat, celui qui tient ses promesses, celui qui va vite.
RACING = (5, 13, 15)
OUTSIDE = {
    "DJANGO_DEBUG": "0",
    "DJANGO_SECRET_KEY": "le-temps-d-une-course",
    "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
}
FIND_APPLICATION = (
    "import django; django.setup(); from django.conf import settings; "
    "print(settings.ASGI_APPLICATION)"
)


@dataclass(frozen=True)
class Entrant:
    """Un chat et son serveur. `says` : sa façon de dire un message, ou rien s'il parle comme 05."""

    name: str
    title: str
    project: Path | None = None
    application: str = "live.asgi:application"
    program: str = "daphne"
    options: tuple[str, ...] = ()
    says: str = ""
    redis: bool = False
    python: str = sys.executable

    def prepare(self, folder: Path) -> Path:
        """Copie son projet dans un dossier, avec une base neuve ; renvoie d'où on le lance.

        Lève WorkshopError si la base ne se fait pas.
        """
        if not self.project:
            return ROOT
        copy = folder / self.name
        copy_project(self.project, copy)
        if has_migrations(copy):
            done = self._run(copy, "manage.py", "migrate", "--verbosity", "0")
            if done.returncode:
                last = (done.stderr.strip() or "(rien)").splitlines()[-1]
                raise WorkshopError(
                    f"{self.title} n'a pas sa base : « python manage.py migrate » échoue. {last}"
                )
        return copy

    def server(self, folder: Path) -> Server:
        """Renvoie son serveur, à lancer depuis ce dossier."""
        return RaceServer(self, folder)

    def environment(self) -> dict[str, str]:
        """Renvoie ce que son serveur ajoute à l'environnement d'un projet."""
        if not self.project:
            return {"PYTHONPATH": str(ROOT)}
        return OUTSIDE | ({"REDIS_URL": os.environ["REDIS_URL"]} if self.redis else {})

    def _run(self, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.python, *arguments],
            cwd=folder,
            env=project_environment() | OUTSIDE | more,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )


class RaceServer(Server):
    """Le serveur d'un partant : celui d'un projet, ou la référence."""

    def __init__(self, entrant: Entrant, folder: Path):
        super().__init__(
            folder,
            entrant.python,
            environment=entrant.environment(),
            application=entrant.application,
            program=entrant.program,
            options=entrant.options,
        )
        self.entrant = entrant

    def start(self) -> None:
        """Lance le serveur ; la référence n'a pas de projet."""
        if self.entrant.project:
            super().start()
        else:
            self.process = self._run()

    def _run(self) -> subprocess.Popen:
        if self.entrant.program:
            return super()._run()
        return self._launch(self.log_path, "-m", self.application, str(self.port))


UVICORN = ("--ws-per-message-deflate", "false", "--log-level", "warning")


def known() -> list[Entrant]:
    """Renvoie tous ceux que l'atelier sait faire courir, dans l'ordre des tableaux."""
    tutorial = "workshop.bench.tutorial.asgi:application"
    found = [
        Entrant("tutoriel-daphne", "tutoriel, daphne", None, tutorial, says=MESSAGE),
        Entrant(
            "tutoriel-uvicorn", "tutoriel, uvicorn", None, tutorial, "uvicorn", UVICORN, MESSAGE
        ),
    ]
    for step in all_steps():
        if step.number in RACING:
            found += of_step(step)
    reference = "workshop.bench.reference"
    return [
        *found,
        Entrant("websockets", "websockets broadcast()", None, reference, "", (), MESSAGE),
    ]


def of_step(step) -> list[Entrant]:
    """Renvoie le chat d'une étape, sur chaque serveur."""
    number, project = step.slug[:2], step.solution
    protocol = (project / "chat" / "uvicorn_protocol.py").is_file()
    options = (*UVICORN, *(("--ws", "chat.uvicorn_protocol:ChatProtocol") if protocol else ()))
    found = [
        Entrant(f"{number}-daphne", f"{number}, daphne", project),
        Entrant(
            f"{number}-uvicorn", f"{number}, uvicorn", project, program="uvicorn", options=options
        ),
    ]
    if step.number >= 14:
        name = f"{number}-redis"
        title = f"{number}, uvicorn et Redis"
        found.append(Entrant(name, title, project, program="uvicorn", options=options, redis=True))
    return found


def of_project(project: Path) -> Entrant:
    """Renvoie le projet de quelqu'un, sur daphne. Lève WorkshopError s'il ne se lance pas."""
    if not (project / "manage.py").is_file():
        raise WorkshopError(f"Le fichier manage.py n'est pas dans {project}. Donnez son dossier.")
    python = project_python(project) or sys.executable
    entrant = Entrant("projet", f"votre projet ({project.name}), daphne", project, python=python)
    settings = settings_module(project)
    done = entrant._run(project, "-c", FIND_APPLICATION, DJANGO_SETTINGS_MODULE=settings)
    if done.returncode:
        last = (done.stderr.strip() or "(rien)").splitlines()[-1]
        raise WorkshopError(f"Le projet {project} ne se lance pas. Python dit : {last}")
    module, _, name = done.stdout.split()[-1].rpartition(".")
    return Entrant(entrant.name, entrant.title, project, f"{module}:{name}", python=python)
