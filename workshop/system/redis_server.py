"""Un Redis sur la boucle locale : celui de la machine, ou son imitation, fakeredis.

Il n'écrit que dans un dossier temporaire, et oublie tout quand il s'arrête.
"""

import contextlib
import shutil
import socket

from workshop.system.services import Service

REAL = ("redis-server", "valkey-server")


def real_redis() -> str:
    """Renvoie le chemin du Redis, ou du Valkey, de la machine ; vide s'il n'y en a pas."""
    return next(filter(None, map(shutil.which, REAL)), "")


def answers(port: int) -> bool:
    """Renvoie True si un Redis répond sur ce port de la boucle locale, même pour dire non."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as one:
        one.sendall(b"*1\r\n$4\r\nPING\r\n")
        return one.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    return False


class RedisServer(Service):
    """Un Redis ; `real` dit si c'est un vrai. Après `kill`, ce qu'il savait est perdu."""

    name = "Redis"

    def __init__(self, port: int = 0):
        super().__init__(port)
        self.real = bool(real_redis())

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        if not self.real:
            return ["-m", "workshop.system.imitation", str(self.port)]
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        return ["--", real_redis(), *options, "--appendonly", "no"]
