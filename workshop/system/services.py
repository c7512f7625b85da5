"""Un programme qui sert sur la boucle locale le temps d'un bloc `with`, et ne lui survit pas."""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workshop.basics import ROOT
from workshop.system.processes import (
    GUARD,
    OWN_GROUP,
    ServerError,
    free_port,
    last_line,
    listening,
    project_environment,
    require_free,
)

STARTUP_SECONDS = 15


class Service:
    """Ce qui écoute un port, de l'entrée à la sortie d'un bloc `with`.

    `name` se lit dans les phrases ; `folder` est un dossier temporaire, à lui seul. Lève
    ServerError s'il n'écoute pas en quinze secondes.
    """

    name = ""

    def __init__(self, port: int = 0):
        self.port = port or free_port()
        self.folder = tempfile.TemporaryDirectory(
            prefix="service-", ignore_cleanup_errors=True, dir=self.place()
        )
        self.log_path = Path(self.folder.name) / "journal.txt"
        self.process: subprocess.Popen | None = None

    @staticmethod
    def place() -> str | None:
        """Renvoie où mettre son dossier ; None : où le système met les dossiers temporaires."""
        return None

    def command(self) -> list[str]:
        """Renvoie ce que guard.py exécute."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """Ce qu'il a écrit jusqu'ici."""
        return self.log_path.read_text("utf-8", errors="replace")

    def __enter__(self):
        require_free(self.port)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self) -> None:
        """Le lance, ou le relance après `kill`."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(GUARD), *self.command()],
                cwd=self.folder.name,
                env=project_environment() | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **OWN_GROUP,
            )
        deadline = time.monotonic() + STARTUP_SECONDS
        while not listening(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(
                    f"{self.name} n'écoute pas le port {self.port}. {last_line(self.log_path)}",
                    self.log,
                )
            time.sleep(0.02)

    def kill(self) -> None:
        """Le tue sans préavis."""
        # Tard : chaque commande charge ce module, et peu s'en servent.
        import psutil

        # Le vrai est l'enfant de son gardien, qui finit avec lui.
        children = psutil.Process(self.process.pid).children()
        for one in children or [self.process]:
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait()
        self.process.stdin.close()

    def __exit__(self, *_) -> None:
        if self.process and self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.folder.cleanup()
