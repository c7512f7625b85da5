"""Les processus et les ports : un port libre, qui en tient un, l'environnement d'un projet."""

import contextlib
import os
import socket
import subprocess
from pathlib import Path

from workshop.basics import WorkshopError

GUARD = Path(__file__).with_name("guard.py")
# Dans son propre groupe, un processus n'entend pas le Ctrl-C tapé pour celui qui l'a lancé.
OWN_GROUP = (
    {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    if os.name == "nt"
    else {"start_new_session": True}
)


class ServerError(WorkshopError):
    """Un serveur qui ne démarre pas ; `log` est son journal, dont la phrase cite la fin."""

    def __init__(self, sentence: str, log: str = ""):
        super().__init__(sentence)
        self.log = log


def free_port() -> int:
    """Renvoie un port libre de la boucle locale."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port: int) -> bool:
    """Renvoie True si quelqu'un écoute ce port de la boucle locale."""
    with socket.socket() as probe:
        # Sous Windows, un port fermé met deux secondes à refuser ; un port ouvert répond aussitôt.
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def holder(port: int) -> str:
    """Renvoie le programme qui écoute un port et son dossier, si le système les dit."""
    # Tard : chaque commande charge ce module, et peu s'en servent.
    import psutil

    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            # D'un autre compte, le système ne dit pas le processus.
            if listens and connection.pid:
                process = psutil.Process(connection.pid)
                name = f"{process.name()} (processus {process.pid})"
                with contextlib.suppress(psutil.Error):
                    name += f", lancé dans {process.cwd()}"
                return name
    return "un autre programme"


def last_line(log: Path) -> str:
    """Renvoie une phrase qui donne la dernière ligne d'un journal."""
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return f"Dernière ligne de son journal : {lines[-1].strip() if lines else '(vide)'}"


def require_free(port: int) -> None:
    """Lève ServerError, qui nomme le programme, si quelqu'un écoute ce port."""
    if listening(port):
        raise ServerError(
            f"Le port {port} est déjà pris, par {holder(port)}. Arrêtez-le, ou choisissez un autre "
            "port."
        )


def project_environment() -> dict[str, str]:
    """Renvoie l'environnement où tourne un projet : ni réglages d'ailleurs, ni octets laissés."""
    hidden = ("REDIS_URL", "DATABASE_URL", "PYTHONPATH")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in hidden and not key.startswith("DJANGO_")
    }
    return kept | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }


class Consumption:
    """Ce que consomme un serveur et ceux qu'il lance : sous Windows, le vrai Python en est un."""

    def __init__(self, pid: int):
        import psutil

        first = psutil.Process(pid)
        self.processes = [first, *first.children(recursive=True)]

    def seconds(self) -> float:
        """Renvoie leurs secondes de processeur, depuis leur naissance."""
        return sum(sum(one.cpu_times()[:2]) for one in self.processes)

    def memory(self) -> int:
        """Renvoie leur mémoire, en octets."""
        return sum(one.memory_info().rss for one in self.processes)
