"""Voit un projet qui ne rend pas la main : boucle sans fin, ou attente qui bloque tout le monde."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

SECONDS = 4
PERIOD = 0.25


def watch(project: Path, bark: Callable[[str, int, str], None]) -> None:
    """Appelle `bark(fichier, ligne, fonction)` si un code du projet occupe un fil 4 secondes.

    Une coroutine qui attend n'occupe aucun fil : celle-là laisse travailler les autres.
    """
    threading.Thread(target=_watch, args=(str(project.resolve()), bark), daemon=True).start()


def _watch(project: str, bark) -> None:
    since = {}
    while True:
        time.sleep(PERIOD)
        now = time.monotonic()
        seen = {}
        for thread, frame in sys._current_frames().items():
            if place := _in_project(frame, project):
                seen[thread, place.f_code] = place
        since = {key: since.get(key, now) for key in seen}
        for key, frame in seen.items():
            if now - since[key] >= SECONDS:
                bark(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
                return


def _in_project(frame: FrameType | None, project: str) -> FrameType | None:
    """Renvoie le code du projet que ce fil exécute, sauf s'il est en train d'importer."""
    while frame:
        name = frame.f_code.co_filename
        if name.startswith(project):
            return frame
        if name.startswith("<frozen importlib"):
            return None
        frame = frame.f_back
    return None
