"""Un Chromium pour toutes les vérifications d'une commande : il ne démarre qu'une fois.

Chaque vérification y est une inconnue, sans cookie ni souvenir des autres. Firefox, qui ne reçoit
d'ordres que d'un seul, ne se partage pas.
"""

import asyncio
import atexit
import contextlib
import threading

from workshop.basics import WorkshopError
from workshop.browsers.finding import starting_browser

VARIABLE = "ATELIER_BROWSER"
_found: list[str] = []
_started = threading.Event()


def start() -> None:
    """Le démarre, si ce n'est fait et s'il y en a un ici ; n'attend pas qu'il soit prêt."""
    if _started.is_set():
        return
    _started.set()
    stack = contextlib.ExitStack()
    with contextlib.suppress(WorkshopError):
        address = stack.enter_context(starting_browser("chromium"))
        atexit.register(stack.close)
        threading.Thread(target=_wait, args=[address], daemon=True).start()


def _wait(address) -> None:
    with contextlib.suppress(WorkshopError):
        _found.append(asyncio.run(address()))


def shared() -> str:
    """Renvoie l'adresse du Chromium partagé, ou rien s'il n'est pas encore prêt."""
    return _found[0] if _found else ""
