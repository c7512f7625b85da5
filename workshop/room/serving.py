"""Sert le tableau, sur la boucle locale ou pour la salle, jusqu'à Ctrl-C."""

import hmac
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from workshop.system.memory import keep, kept
from workshop.system.processes import require_free

# Une histoire demande vingt kibioctets, une page du tableau quarante ; au-delà, code 1009.
LONGEST_FRAME = 2**16
# Ni 0 ni O, ni 1 ni l : cela se recopie d'un tableau.
SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True)
class Place:
    """Où est le tableau. `network` : la salle y entre, avec une adresse que l'on ne devine pas."""

    key: str
    port: int
    network: bool

    @property
    def room_path(self) -> str:
        return f"salle-{self._code('salle', 6)}/" if self.network else "salle/"

    @property
    def board_path(self) -> str:
        return f"tableau-{self._code('tableau', 12)}/" if self.network else "tableau/"

    def _code(self, what: str, length: int) -> str:
        digest = hmac.digest(self.key.encode(), what.encode(), "sha256")
        return "".join(SIGNS[byte % len(SIGNS)] for byte in digest[:length])

    @property
    def hosts(self) -> list[str]:
        """Les numéros de cette machine, celui que la salle verra d'abord."""
        return [*(addresses() if self.network else ()), "127.0.0.1"]

    @property
    def board(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.board_path}"

    @property
    def rooms(self) -> list[str]:
        """Les adresses à donner à la salle."""
        hosts = self.hosts[:-1] or self.hosts
        return [f"http://{host}:{self.port}/{self.room_path}" for host in hosts]


def addresses() -> list[str]:
    """Renvoie les numéros de cette machine sur ses réseaux."""
    import psutil

    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found = []
    for name, ones in psutil.net_if_addrs().items():
        numbers = [one.address for one in ones if one.family == socket.AF_INET and name in up]
        # Ni la machine elle-même, ni un réseau qui n'a donné aucun numéro.
        found += [one for one in numbers if not one.startswith(("127.", "169.254."))]
    return found


def today_s_key() -> str:
    """Renvoie le secret du jour : un tableau que l'on relance garde ses adresses jusqu'au soir."""
    day = time.strftime("%Y-%m-%d")
    known, _, key = (kept("room_key") or "").partition(" ")
    if known != day or len(key) != 64:
        key = token_hex(32)
        keep("room_key", f"{day} {key}")
    return key


def serve(place: Place, plan: str, start: int, ready: Callable[[], None]) -> None:
    """Sert le tableau, jusqu'à Ctrl-C ; `ready` est appelée quand il va écouter.

    Lève ServerError si le port est pris.
    """
    require_free(place.port)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "workshop.room.settings",
        "ATELIER_ROOM_KEY": place.key,
        "ATELIER_ROOM_PATH": place.room_path,
        "ATELIER_BOARD_PATH": place.board_path,
        "ATELIER_ROOM_HOSTS": " ".join([*place.hosts, "localhost"]),
        "ATELIER_ROOM_PLAN": plan,
        "ATELIER_ROOM_START": str(start),
    }
    # daphne choisit la boucle d'asyncio de Twisted : avant tout autre import.
    from daphne.server import Server

    from workshop.room.asgi import application

    host = "0.0.0.0" if place.network else "127.0.0.1"
    Server(
        application,
        endpoints=[f"tcp:port={place.port}:interface={host}"],
        ready_callable=ready,
        verbosity=0,
        # Un fil coupé ne dit rien : on s'en aperçoit en vingt-cinq secondes.
        ping_interval=10,
        ping_timeout=15,
        websocket_max_message_size=LONGEST_FRAME,
        websocket_max_frame_size=LONGEST_FRAME,
        server_name="atelier",
    ).run()
