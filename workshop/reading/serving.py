"""Sert les pages et leur marge, sur la boucle locale, jusqu'à Ctrl-C."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from workshop.chapters.steps import Step
from workshop.system.processes import require_free

# Dans les deux sens : une image de la marge porte ce que le projet a répondu.
LONGEST_FRAME = 2**20


def serve(pages: Path, step: Step, project: Path, port: int, ready: Callable[[], None]) -> None:
    """Sert les pages, et suit le projet à partir de cette étape, jusqu'à Ctrl-C.

    `ready` est appelée quand le serveur va écouter. Lève ServerError si le port est pris.
    """
    require_free(port)
    os.environ["DJANGO_SETTINGS_MODULE"] = "workshop.reading.settings"
    os.environ["ATELIER_PAGES"] = str(pages)
    # daphne choisit la boucle d'asyncio de Twisted : avant tout autre import.
    from daphne.server import Server

    from workshop.reading.asgi import application
    from workshop.reading.live import Live

    # Le projet que l'on vérifie a ses réglages.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    live = Live(step, project)

    def start():
        live.start(asyncio.get_event_loop())
        ready()

    try:
        Server(
            application(live, port),
            endpoints=[f"tcp:port={port}:interface=127.0.0.1"],
            ready_callable=start,
            verbosity=0,
            websocket_max_message_size=LONGEST_FRAME,
            websocket_max_frame_size=LONGEST_FRAME,
            server_name="atelier",
        ).run()
    finally:
        live.stop()
