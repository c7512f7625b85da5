"""Ce qu'il faut à une machine le jour de l'atelier : chaque contrôle réussit, ou dit le remède."""

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import uuid4

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import find_step
from workshop.demo import running_demo
from workshop.machine.kit import requirements
from workshop.project.python import project_python
from workshop.system import installing
from workshop.system.processes import holder

# Celui de la machine, avec lequel l'apprenant crée `live/.venv`.
BASE_PYTHON = getattr(sys, "_base_executable", None) or sys.executable
PORT = 8000
# L'environnement du projet pèse 120 Mo ; le reste est de la marge.
NEEDED_MB = 300
# Le début du nom d'un dossier que synchronise OneDrive, Dropbox, Google Drive ou iCloud.
SYNCHRONISED = (
    *("OneDrive", "Dropbox", "CloudStorage", "Google Drive", "GoogleDrive", "Mon Drive"),
    *("My Drive", "iCloudDrive", "Mobile Documents"),
)
BROWSER_SECONDS = 30


def checks(browser: bool) -> dict[str, Callable[[], str]]:
    """Renvoie les contrôles, par nom, dans l'ordre. Chacun renvoie ce qu'il a vu.

    Un contrôle lève WorkshopError si la machine n'est pas prête : la phrase dit le remède.
    """
    found = {
        "Python": check_python,
        "dossier": check_folder,
        "outils": check_tools,
        "environnement": check_environment,
        "port": check_port,
        "chat": check_chat,
        "carnets": check_kernel,
    }
    if os.name == "nt":
        found["terminal"] = check_terminal
    if browser:
        found["navigateur"] = check_browser
    return found


def summary(trouble: list[str]) -> str:
    """Renvoie la dernière ligne : la machine, et ce qui reste à revoir. Rien de personnel."""
    verdict = f"à revoir : {', '.join(trouble)}" if trouble else "tout est prêt"
    system = {"Darwin": f"macOS {platform.mac_ver()[0]}"}.get(
        platform.system(), f"{platform.system()} {platform.release()}"
    )
    parts = (system, platform.machine(), f"Python {platform.python_version()}", verdict)
    return " · ".join(["atelier", *parts])


def check_python() -> str:
    """Un Python de 64 bits, avec ce que certaines constructions oublient."""
    if sys.maxsize < 2**32:
        raise WorkshopError(
            "Ce Python a 32 bits, et des paquets n'existent qu'en 64. Installez celui de 64 bits "
            "depuis https://www.python.org/downloads/ et relancez la commande avec lui."
        )
    for name in ("sqlite3", "ssl", "ctypes"):
        try:
            __import__(name)
        except ImportError:
            raise WorkshopError(
                f"Ce Python a été construit sans {name}. Installez celui de "
                "https://www.python.org/downloads/ et relancez la commande avec lui."
            ) from None
    return f"{platform.python_version()}, 64 bits"


def check_folder() -> str:
    """Un dossier où l'on écrit, avec de la place, et que rien ne synchronise."""
    if found := next((part for part in ROOT.parts if part.startswith(SYNCHRONISED)), None):
        raise WorkshopError(
            f"L'atelier est dans un dossier qui se synchronise (« {found} »), et la "
            "synchronisation bloque des fichiers pendant qu'on les écrit. Copiez l'atelier "
            "ailleurs sur le disque, et relancez la commande dans la copie."
        )
    free = installing.free(ROOT)
    if free < NEEDED_MB:
        raise WorkshopError(
            f"Il reste {free} Mo sur le disque, et votre projet en demande {NEEDED_MB}. Libérez "
            "de la place, puis relancez la commande."
        )
    try:
        with tempfile.TemporaryDirectory(prefix="essai é ", dir=ROOT):
            pass
    except OSError as error:
        raise WorkshopError(
            f"L'atelier ne peut pas écrire dans son dossier ({error}). Copiez-le dans votre "
            "dossier personnel."
        ) from None
    return f"{free} Mo libres"


def check_tools() -> str:
    """Les outils de l'atelier, aux versions attendues."""
    wanted = [*requirements(ROOT / "requirements.txt")]
    for one in wanted:
        try:
            good = one.specifier.contains(version(one.name))
        except PackageNotFoundError:
            good = False
        if not good:
            raise WorkshopError(
                f"Le paquet {one} manque aux outils. Supprimez le dossier .venv à la racine de "
                "l'atelier, et relancez la commande."
            )
    return f"{len(wanted)} paquets, aux versions attendues"


def check_environment() -> str:
    """Le chapitre 01, en petit : un environnement neuf, et un paquet que pip y installe."""
    with tempfile.TemporaryDirectory(prefix="essai é ", ignore_cleanup_errors=True) as folder:
        project = Path(folder)
        made = _run([BASE_PYTHON, "-m", "venv", ".venv"], project)
        if made.returncode:
            raise WorkshopError(
                "Ce Python ne sait pas créer d'environnement. Sous Debian et Ubuntu : sudo apt "
                "install python3-venv ; ailleurs, installez celui de "
                f"https://www.python.org/downloads/ ({_last(made)})"
            )
        install = [project_python(project), "-m", "pip", "install", "-q", "--no-deps"]
        install += ["--timeout", "15", "--retries", "1", "--disable-pip-version-check"]
        install += ["websockets", "-c", str(ROOT / "constraints.txt")]
        done = _run(install, project)
        if done.returncode:
            raise WorkshopError(installing.sentence(installing.cause(done.stderr), _last(done)))
    return "créé, et pip y installe un paquet"


def check_port() -> str:
    """Le port 8000, celui des chapitres, est libre."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            raise WorkshopError(
                f"Le port {PORT} est pris par {holder(PORT)}. Arrêtez ce programme, ou redémarrez "
                f"la machine. Sinon, prenez-en un autre : python manage.py runserver {PORT + 1}"
            ) from None
    return f"{PORT} est libre"


def check_chat() -> str:
    """Un vrai aller-retour de WebSocket, par un vrai serveur, sur la boucle locale."""
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    with running_demo(find_step("05")) as server:
        address = server.url.replace("http", "ws") + "/chat/preparer/"
        try:
            with connect(address, origin=server.url, proxy=None, open_timeout=10) as ws:
                greeting = ws.recv(timeout=10)
                started = time.monotonic()
                ws.send("Il y a quelqu'un ?")
                ws.recv(timeout=10)
                milliseconds = (time.monotonic() - started) * 1000
        except (OSError, WebSocketException) as error:
            raise WorkshopError(
                f"Le chat démarre, mais ne répond pas sur cette machine ({error}). Un antivirus "
                "ou un pare-feu surveille sans doute les connexions : autorisez Python à écouter "
                "sur 127.0.0.1, ou demandez-le à la personne qui gère la machine."
            ) from None
    return f"« {greeting} », aller-retour en {milliseconds:.0f} ms"


def check_kernel() -> str:
    """Un noyau Jupyter démarre, et c'est celui des outils de l'atelier."""
    import nbformat
    from jupyter_core.utils import ensure_event_loop
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    # Sous Windows, pyzmq avertirait que la boucle par défaut ne lui convient pas.
    ensure_event_loop(prefer_selector_loop=True)
    cell = nbformat.v4.new_code_cell("import sys; print(sys.prefix)")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    cure = "Supprimez le dossier .venv à la racine de l'atelier, et relancez la commande."
    try:
        client = NotebookClient(notebook, timeout=30, startup_timeout=60, kernel_name="python3")
        client.execute(stderr=subprocess.DEVNULL)
        prefix = cell.outputs[0]["text"].strip()
    except (CellExecutionError, RuntimeError, TimeoutError, OSError, LookupError) as error:
        raise WorkshopError(f"Le noyau Jupyter ne démarre pas ({error}). {cure}") from None
    if Path(prefix).resolve() != Path(sys.prefix).resolve():
        raise WorkshopError(
            f"Jupyter lance le Python de {prefix}, et non celui de l'atelier. Tapez : "
            f"{Path(sys.executable).with_name('jupyter')} kernelspec remove python3"
        )
    return "le noyau Jupyter démarre"


def check_terminal() -> str:
    """PowerShell : une stratégie imposée par l'entreprise empêcherait d'activer l'environnement."""
    command = 'Get-ExecutionPolicy -List | ForEach-Object { "$($_.Scope)=$($_.ExecutionPolicy)" }'
    try:
        done = _run(["powershell", "-NoProfile", "-Command", command], ROOT)
    except OSError:
        return "PowerShell n'est pas là ; l'Invite de commandes convient"
    for scope in ("MachinePolicy", "UserPolicy"):
        if any(f"{scope}={policy}" in done.stdout for policy in ("Restricted", "AllSigned")):
            raise WorkshopError(
                "Une stratégie de l'entreprise interdit les scripts de PowerShell : l'activation "
                "de l'environnement échouera. Le chapitre 01 (mouvement 2) dit comment s'en passer."
            )
    return (
        "aucune stratégie d'entreprise n'interdit les scripts ; si l'activation est refusée, le "
        "chapitre 01 (mouvement 2) dit comment la permettre"
    )


def check_browser() -> str:
    """Le navigateur de la machine ouvre la page du chat et y entre, par WebSocket."""
    room = f"preparer-{uuid4().hex[:8]}"
    with running_demo(find_step("05")) as server:
        if not webbrowser.open(f"{server.url}/#{room}"):
            raise WorkshopError(
                "Aucun navigateur ne s'ouvre d'ici. Si la machine en a un, ouvrez-y vous-même "
                "la page que donne « atelier.py demo », et regardez si elle dit « connecté »."
            )
        deadline = time.monotonic() + BROWSER_SECONDS
        while f"WebSocket CONNECT /chat/{room}/" not in server.log:
            if time.monotonic() > deadline:
                raise WorkshopError(
                    "Le navigateur n'est pas entré dans le chat. Une extension, un antivirus ou "
                    "un proxy l'en empêche sans doute : dans les réglages du proxy, ajoutez "
                    "127.0.0.1 aux adresses directes, ou essayez un autre navigateur."
                )
            time.sleep(0.1)
    return "il entre dans le chat (vous pouvez fermer son onglet)"


def _last(done: subprocess.CompletedProcess) -> str:
    """Renvoie la dernière ligne de ce qu'a écrit une commande."""
    text = f"{done.stdout or ''}\n{done.stderr or ''}"
    return installing.last_line(text) or "sans un mot"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=os.environ | {"PYTHONUTF8": "1"},
        encoding="utf-8",
        errors="replace",
        timeout=300,
    )
