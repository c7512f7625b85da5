"""Trouve un navigateur de cette machine et le lance sans fenêtre, pour Playwright ou pour nous."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workshop.basics import ROOT, WorkshopError
from workshop.system.processes import GUARD, OWN_GROUP, last_line

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Des commandes, puis les places des navigateurs sous macOS et Windows, où ils n'en ont pas. Celui
# qui n'a pas de fenêtre vient d'abord, là où il est : il démarre pour six fois moins.
NAMES = {
    "chromium": (
        "chromium-headless-shell",
        *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "microsoft-edge",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "${ProgramFiles}/Google/Chrome/Application/chrome.exe",
        "${ProgramFiles(x86)}/Google/Chrome/Application/chrome.exe",
        "${LocalAppData}/Google/Chrome/Application/chrome.exe",
        "${ProgramFiles(x86)}/Microsoft/Edge/Application/msedge.exe",
    ),
    "firefox": (
        *("firefox", "firefox-esr"),
        "/Applications/Firefox.app/Contents/MacOS/firefox",
        "${ProgramFiles}/Mozilla Firefox/firefox.exe",
        "${ProgramFiles(x86)}/Mozilla Firefox/firefox.exe",
        "${LocalAppData}/Mozilla Firefox/firefox.exe",
    ),
}
STARTUP_SECONDS = 30
ADDRESS = re.compile(r"(?:DevTools|WebDriver BiDi) listening on (ws://\S+)")
MISSING = {
    "chromium": "Aucun navigateur Chromium n'est trouvé : installez Chromium ou Chrome.",
    "firefox": "Firefox n'est pas trouvé : installez-le.",
}


class MissingTool(WorkshopError):
    """Un outil que tout le monde n'a pas ; la phrase dit comment l'installer."""


def find_browser(kind: str) -> str:
    """Renvoie le chemin d'un navigateur, « chromium » ou « firefox » ; lève MissingTool."""
    found = filter(None, map(shutil.which, map(os.path.expandvars, NAMES[kind])))
    if path := next(found, None):
        return path
    raise MissingTool(MISSING[kind])


def find_chromium() -> str:
    """Renvoie le chemin d'un Chromium ; lève MissingTool s'il manque, ou Playwright."""
    try:
        import playwright  # noqa: F401
    except ImportError:
        raise MissingTool(
            "Playwright manque : installez les paquets de requirements-dev.txt."
        ) from None
    return find_browser("chromium")


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


@contextmanager
def starting_browser(kind: str) -> Iterator[Callable[[], Awaitable[str]]]:
    """Lance un navigateur sans fenêtre, et n'attend pas : on attendra en demandant son adresse.

    C'est celle du websocket où il reçoit des ordres. Son profil est neuf, il ne voit que cette
    machine, et il ne survit pas au processus qui l'a lancé. Lève MissingTool s'il n'est pas là ; le
    demander lève WorkshopError s'il ne démarre pas.
    """
    program = find_browser(kind)
    parent = None
    if Path("/snap/bin", kind).exists():
        # Un navigateur installé par snap ne voit pas le dossier temporaire du système.
        parent = ROOT / ".atelier"
        parent.mkdir(exist_ok=True)
    with TemporaryDirectory(
        prefix="navigateur é à ", dir=parent, ignore_cleanup_errors=True
    ) as folder:
        profile, log = Path(folder, "profil"), Path(folder, "journal.txt")
        profile.mkdir()
        options = _chromium(profile) if kind == "chromium" else _firefox(profile)
        with log.open("wb") as written:
            process = subprocess.Popen(
                [sys.executable, str(GUARD), "--", program, *options, "about:blank"],
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=written,
                **OWN_GROUP,
            )
        try:
            yield lambda: _address(process, log)
        finally:
            process.stdin.close()
            process.wait(STARTUP_SECONDS)


def _chromium(profile: Path) -> list[str]:
    quiet = "background-networking component-update sync dev-shm-usage background-timer-throttling"
    options = [f"--disable-{name}" for name in (*quiet.split(), "renderer-backgrounding")]
    options += ["--headless", "--no-first-run", "--no-default-browser-check"]
    # Sous macOS, pas de question au trousseau de clés.
    options += ["--password-store=basic", "--use-mock-keychain"]
    options += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Le bac à sable refuse root, qui est souvent celui de l'intégration continue.
        options.append("--no-sandbox")
    return [*options, f"--user-data-dir={profile}", "--remote-debugging-port=0"]


def _firefox(profile: Path) -> list[str]:
    # Pour tout ce qui n'est pas cette machine, un mandataire que personne n'écoute.
    proxy = {"type": 1, "http": "127.0.0.1", "http_port": 9, "ssl": "127.0.0.1", "ssl_port": 9}
    lines = [f'user_pref("network.proxy.{key}", {json.dumps(one)});' for key, one in proxy.items()]
    (profile / "user.js").write_text("\n".join(lines), "utf-8")
    options = ["--headless", "--no-remote", "--new-instance", "--remote-debugging-port=0"]
    options += ["--wait-for-browser"] if os.name == "nt" else []
    return [*options, "--profile", str(profile)]


async def _address(process: subprocess.Popen, log: Path) -> str:
    for _ in range(STARTUP_SECONDS * 20):
        if found := ADDRESS.search(log.read_text("utf-8", "replace")):
            return found[1]
        if process.poll() is not None:
            break
        await asyncio.sleep(0.05)
    raise WorkshopError(f"Le navigateur ne démarre pas. {last_line(log)}")
