"""Un Chromium sans fenêtre, que Playwright conduit."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workshop import WorkshopError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Des commandes, puis les places de Chrome et d'Edge sous macOS et Windows, où ils n'en ont pas.
NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "${ProgramFiles}/Google/Chrome/Application/chrome.exe",
    "${ProgramFiles(x86)}/Google/Chrome/Application/chrome.exe",
    "${LocalAppData}/Google/Chrome/Application/chrome.exe",
    "${ProgramFiles(x86)}/Microsoft/Edge/Application/msedge.exe",
)


class MissingTool(WorkshopError):
    """Un outil que tout le monde n'a pas ; la phrase dit comment l'installer."""


def find_chromium() -> str:
    """Renvoie le chemin d'un Chromium ; lève MissingTool s'il manque, ou Playwright."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        raise MissingTool(
            "Playwright manque : installez les paquets de requirements-dev.txt."
        ) from None
    found = next(filter(None, map(shutil.which, map(os.path.expandvars, NAMES))), None)
    if not found:
        raise MissingTool("Aucun navigateur Chromium n'est trouvé : installez Chromium ou Chrome.")
    return found


@contextmanager
def browser(chromium: str, *arguments: str) -> Iterator["Browser"]:
    """Donne le Chromium de ce chemin ; lève WorkshopError si Playwright n'en obtient rien."""
    from playwright.sync_api import Error, sync_playwright

    try:
        with sync_playwright() as playwright:
            # Sans bac à sable : les machines d'intégration continue tournent souvent en root.
            launched = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", *arguments]
            )
            try:
                yield launched
            finally:
                launched.close()
    except Error as error:
        reason = str(error).splitlines()[0]
        raise WorkshopError(f"Chromium ne répond pas : {reason} Relancez la commande.") from error
