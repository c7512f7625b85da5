"""Un Redis sur la boucle locale : celui de la machine, ou son imitation, fakeredis.

Il n'écrit que dans un dossier temporaire, et oublie tout quand il s'arrête.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from workshop.basics import ROOT
from workshop.system.processes import (
    GUARD,
    OWN_GROUP,
    ServerError,
    free_port,
    listening,
    project_environment,
    require_free,
)

REAL = ("redis-server", "valkey-server")
STARTUP_SECONDS = 10


def real_redis() -> str:
    """Renvoie le chemin du Redis, ou du Valkey, de la machine ; vide s'il n'y en a pas."""
    return next(filter(None, map(shutil.which, REAL)), "")


def answers(port: int) -> bool:
    """Renvoie True si un Redis répond sur ce port de la boucle locale, même pour dire non."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
        one.sendall(b"*1\r\n$4\r\nPING\r\n")
        return one.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    return False


class RedisServer:
    """Un Redis, de l'entrée à la sortie d'un bloc `with` ; il ne survit pas à qui l'a lancé.

    `real` dit si c'est un vrai. Lève ServerError s'il n'écoute pas en dix secondes.
    """

    def __init__(self, port: int = 0):
        self.port, self.real = port or free_port(), bool(real_redis())
        self.folder = tempfile.TemporaryDirectory(prefix="redis-", ignore_cleanup_errors=True)
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def __enter__(self) -> "RedisServer":
        require_free(self.port)
        self.start()
        return self

    def start(self) -> None:
        """Le lance, ou le relance après `kill` ; ce qu'il savait est perdu."""
        if self.real:
            options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
            command = ["--", real_redis(), *options, "--appendonly", "no"]
        else:
            command = ["-m", "workshop.system.imitation", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, str(GUARD), *command],
            cwd=self.folder.name,
            env=project_environment() | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **OWN_GROUP,
        )
        deadline = time.monotonic() + STARTUP_SECONDS
        while not listening(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise ServerError(f"Redis n'écoute pas le port {self.port}. Relancez la commande.")
            time.sleep(0.02)

    def kill(self) -> None:
        """Le tue sans préavis."""
        # Tard : chaque commande charge ce module, et peu s'en servent.
        import psutil

        # Le vrai est l'enfant de son gardien.
        for one in (*psutil.Process(self.process.pid).children(recursive=True), self.process):
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait()
        self.process.stdin.close()

    def __exit__(self, *_) -> None:
        if self.process and self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.folder.cleanup()
