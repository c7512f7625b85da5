"""Ce qu'un carnet demande à l'atelier : le serveur d'un projet, et ce que dit son journal."""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.project.files import copy_project
from workshop.project.python import project_python
from workshop.project.serving import Server

JOURNAL_SECONDS = 3
BANNER = re.compile(r"\A.*?Quit the server with [^\n]*\n(\s*WARNING: [^\n]*\n[^\n]*\n)?", re.S)
# Ce qui change d'une fois à l'autre : l'heure, la durée, le port du client, le corps d'une trace.
VARIABLE = re.compile(r"\[[^]\n]*:\d+\] ?")
TRACE = re.compile(r"^Traceback .*\n(?:[ \t].*\n)+", re.M)

_running: "NotebookServer | None" = None
_ticking: asyncio.Task | None = None


class NotebookServer(Server):
    """Le vrai serveur d'une copie d'un projet ; il ne survit pas au noyau du carnet."""

    def __init__(self, project: Path):
        self.copy = tempfile.TemporaryDirectory(prefix="carnet-", ignore_cleanup_errors=True)
        copy_project(project, Path(self.copy.name) / "live")
        super().__init__(Path(self.copy.name) / "live", project_python(project) or sys.executable)
        self.read = 0

    def stop(self) -> None:
        """Arrête le serveur, sans prévenir ceux qui lui parlent."""
        self.__exit__()
        self.copy.cleanup()

    async def journal(self, last: str) -> str:
        """Renvoie ce que le serveur a écrit depuis la dernière fois, jusqu'à une ligne avec `last`.

        Sans l'heure ni le port du client, et les traces réduites à leur dernière ligne : ce qui
        reste ne change pas d'une fois à l'autre. Si cette ligne n'est pas venue au bout de trois
        secondes, renvoie ce qu'il y a, et le dit.
        """
        note = []
        for _ in range(JOURNAL_SECONDS * 20):
            written = BANNER.sub("", self.log)
            found = written.find(last, self.read)
            if end := written.find("\n", found) + 1 if found >= 0 else 0:
                break
            await asyncio.sleep(0.05)
        else:
            end = len(written)
            note = [f"(toujours pas de « {last} » dans le journal, après {JOURNAL_SECONDS} s)"]
        new, self.read = written[self.read : end], end
        text = VARIABLE.sub("", TRACE.sub("(une trace, qui finit par)\n", new))
        return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()] + note)


def start(folder: str) -> NotebookServer:
    """Démarre le serveur d'une copie d'un projet, et arrête celui du dernier appel.

    `folder` est le dossier de `manage.py`. Lève WorkshopError s'il n'y est pas, ou si le serveur ne
    démarre pas.
    """
    global _running
    if _running:
        _running.stop()
        _running = None
    project = Path(folder).resolve()
    if not project.is_dir():
        raise WorkshopError(
            f"Le dossier {folder} n'existe pas. Donnez celui qui contient manage.py : celui d'une "
            "solution, ou ../live, le vôtre."
        )
    server = NotebookServer(project)
    server.__enter__()
    _running = server
    _tick()
    shown = project.relative_to(ROOT) if project.is_relative_to(ROOT) else project
    print(f"Le serveur de {shown.as_posix()} est prêt.")
    return server


def _tick() -> None:
    """Réveille cinq fois par seconde la boucle du noyau, s'il en a une.

    Sinon, une cellule qui attend un message n'entend le bouton qui l'interrompt qu'au message
    suivant (ipykernel 7.4), et l'on croit le noyau mort.
    """
    global _ticking

    async def wake():
        while True:
            await asyncio.sleep(0.2)

    if not _ticking or _ticking.done():
        try:
            _ticking = asyncio.get_running_loop().create_task(wake())
        except RuntimeError:
            return
