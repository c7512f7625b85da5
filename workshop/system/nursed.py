"""Des programmes qui naissent plus vite, d'un processus où Django est déjà chargé.

Sous Linux seulement, où un processus se duplique sans risque ; ailleurs, rien ne change.
"""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from workshop.system.processes import project_environment

NURSERY = Path(__file__).with_name("nursery.py")
ADDRESS = "ATELIER_NURSERY"
_started: dict[str, tuple[subprocess.Popen, tempfile.TemporaryDirectory, list[int]]] = {}


def start(python: str) -> str:
    """Démarre, si ce n'est fait, celui d'un Python ; renvoie sa prise, ou rien hors de Linux.

    La prise peut ne pas être prête : qui la demande trop tôt s'en passe. Des paquets installés
    depuis la dernière fois le font renaître.
    """
    if sys.platform != "linux":
        return ""
    packages = [path.stat().st_mtime_ns for path in _site_packages(python)]
    known = _started.get(python)
    if known and (known[0].poll() is not None or known[2] != packages):
        stop(python)
    if python not in _started:
        folder = tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True)
        process = subprocess.Popen(
            [python, str(NURSERY), str(Path(folder.name) / "prise")],
            cwd=folder.name,
            env=project_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _started[python] = process, folder, packages
        atexit.register(stop, python)
    return address(python)


def _site_packages(python: str) -> list[Path]:
    return sorted(Path(python).parent.parent.glob("lib/python*/site-packages"))


def address(python: str) -> str:
    """Renvoie la prise du processus de ce Python, ou rien s'il n'a pas été démarré."""
    return str(Path(_started[python][1].name) / "prise") if python in _started else ""


def stop(python: str) -> None:
    """Arrête celui d'un Python : le suivant relira ses paquets."""
    if found := _started.pop(python, None):
        process, folder, _ = found
        process.stdin.close()
        process.wait()
        folder.cleanup()


class Nursed:
    """Un programme né d'un autre, avec ce que l'on demande à un Popen.

    Lève OSError si la prise n'est pas prête.
    """

    def __init__(self, prise: str, folder: Path, environment: dict, arguments: list[str], log: int):
        self.returncode = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.ExitStack() as stack:
            stack.callback(self.socket.close)
            self.socket.connect(prise)
            given, ours = os.pipe()
            stack.callback(os.close, given)
            demand = {"folder": str(folder), "environment": environment, "arguments": arguments}
            socket.send_fds(self.socket, [json.dumps(demand).encode()], [given, log])
            self.stdin = os.fdopen(ours, "wb")
            self.pid = int(self.socket.recv(64))
            stack.pop_all()
            os.close(given)

    def poll(self) -> int | None:
        """Renvoie le code du programme, ou None s'il n'a pas fini."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Attend la fin du programme ; lève TimeoutExpired si elle ne vient pas à temps."""
        if self.returncode is None:
            self.socket.settimeout(timeout)
            try:
                said = self.socket.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("manage.py", timeout) from None
            except OSError:
                said = b""
            # Sans réponse, celui qui l'a fait naître n'est plus : le programme non plus.
            self.returncode = int(said or -signal.SIGKILL)
            self.socket.close()
        return self.returncode

    def kill(self) -> None:
        """Tue le programme sans préavis."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Prie le programme de finir."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
