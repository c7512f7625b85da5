"""Prépare `.venv`, l'environnement des outils : en entier, ou avec une phrase qui dit quoi faire.

Bibliothèque standard seulement : ce module tourne avant que l'environnement n'existe.
"""

import errno
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.facts import PYTHON, STAMP, VENV, forget, ready, stamp

KIT = ROOT / "paquets"
LOG = ROOT / ".atelier" / "install.log"
# L'environnement pèse 400 Mo ; les paquets téléchargés, une centaine.
NEEDED_MB, EMPTY_MB = 500, 20
# Sous Windows, un chemin a 260 caractères au plus ; le plus long des paquets en prend 170.
LONGEST_WINDOWS_ROOT = 85
DEADLINE = 1800
PATIENCE = ("--timeout", "15", "--retries", "3")
# Des réglages de pip de la machine, ceux qui disent où trouver les paquets ; un autre (PIP_TARGET,
# PIP_USER…) installerait ailleurs, ou autre chose.
NETWORK_SETTINGS = re.compile(
    r"PIP_(\w*INDEX\w*|FIND_LINKS|PROXY|(CLIENT_)?CERT|TRUSTED_HOST|(NO_)?CACHE_DIR|CONFIG_FILE"
    r"|KEYRING_PROVIDER|USE_FEATURE)"
)
RETRY = "Puis relancez la même commande."
RIGHTS = (
    "L'atelier n'a pas pu écrire dans {root}. Fermez les autres terminaux et l'éditeur, puis "
    "relancez la même commande. Si cela recommence, vous n'en avez pas le droit : copiez ce "
    "dossier dans votre dossier personnel, et lancez la commande dans la copie."
)
FULL = (
    "Le disque est plein : il reste {free} Mo pour {root} et {temporary_free} Mo pour "
    "{temporary}, et il en faut {needed}. Libérez de la place. " + RETRY
)
TOO_LONG = (
    "Le chemin de l'atelier est trop long pour ce système : {root}. Copiez le dossier plus près "
    "de la racine du disque (C:\\atelier, par exemple), et relancez la commande dans la copie."
)
NO_LINKS = (
    "Le disque de {root} ne sait pas faire ce que demande un environnement Python : c'est souvent "
    "le cas d'une clé USB ou d'un lecteur réseau. Copiez le dossier sur le disque de la machine, "
    "et relancez la commande dans la copie."
)
NO_PIP = (
    "Ce Python est livré sans pip. Sous Debian et Ubuntu, tapez : sudo apt install python3-venv "
    "(sans droits d'administrateur, demandez-le à la personne qui gère la machine) ; ailleurs, "
    "installez le Python de https://www.python.org/downloads/. " + RETRY
)
SLOW = (
    "L'installation n'est pas finie après une demi-heure. Vérifiez le réseau, ou demandez le kit "
    "hors ligne à la personne qui anime. " + RETRY
)
NETWORK = (
    "Le réseau ne répond pas, ou trop lentement. Vérifiez la connexion, puis relancez la même "
    "commande. Sans réseau, demandez le kit hors ligne à la personne qui anime, copiez-le sur le "
    "disque, et lancez la commande dans cette copie."
)
UNAVAILABLE = (
    "L'index des paquets de ce réseau n'a pas tout ce qu'il faut pour ce Python ({python}). Sur un "
    "autre réseau, relancez la même commande ; sinon, demandez le kit hors ligne à la personne qui "
    "anime, et lancez la commande dans sa copie."
)
KIT_LACKS = (
    "Le kit n'a pas de paquets pour ce Python ({python}) ou pour ce système, et le réseau ne les "
    "donne pas. Prenez l'une des versions que nomme COMMENCER.html, ou demandez un kit qui a la "
    "vôtre. " + RETRY
)
STOPPED = (
    "L'installation a été arrêtée par le système (manque de mémoire, antivirus ?). Fermez "
    "d'autres programmes. " + RETRY
)
# Ce qu'écrit pip, et la phrase qui en donne la cause et le remède. La première qui convient.
CAUSES = (
    # Le numéro d'une même erreur change avec le système : 69 et 63 sont ceux de macOS.
    (r"Errno (28|69|122)\b|WinError 112\b|No space left", FULL),
    (r"Errno (13|30)\b|WinError (5|32)\b|Permission denied", RIGHTS),
    (r"Errno (36|63)\b|WinError 206\b|Long Path support|[Ff]ile ?name too long", TOO_LONG),
    (
        r"SSL module is not available",
        "Ce Python ne sait pas ouvrir de connexion chiffrée. Installez celui de "
        "https://www.python.org/downloads/ puis relancez la même commande avec lui.",
    ),
    (
        r"ProxyError|Tunnel connection failed|Proxy Authentication|InvalidProxyURL|proxy URL",
        "Le proxy ne laisse pas passer l'installation. Demandez son adresse à la personne qui "
        "s'occupe du réseau (vous avez : {proxy}), et donnez-la en tapant : {set}HTTPS_PROXY="
        '"http://adresse:port". ' + RETRY,
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError|invalid peer certificate",
        "Le réseau présente un certificat que Python ne connaît pas : un proxy d'entreprise lit "
        "sans doute les connexions. Demandez son certificat (un fichier .pem) à la personne qui "
        's\'occupe du réseau, et donnez son chemin en tapant : {set}PIP_CERT="chemin". ' + RETRY,
    ),
    (
        r"NameResolution|NewConnection|ConnectTimeout|ReadTimeout|timed out|getaddrinfo"
        r"|ConnectionError|ProtocolError|RemoteDisconnected|IncompleteRead|Max retries"
        r"|Network is unreachable|HTTP error 5\d\d|Connection (refused|reset|aborted)",
        NETWORK,
    ),
    (
        r"THESE PACKAGES DO NOT MATCH|HashMismatch|BadZipFile|is not a valid wheel",
        "Un paquet est arrivé abîmé. Relancez la même commande ; si cela recommence, essayez un "
        "autre réseau.",
    ),
    (
        r"[Ff]ailed building wheel|metadata-generation-failed|subprocess-exited-with-error"
        r"|Visual C\+\+",
        "Un paquet ne s'installe pas avec ce Python ({python}). Installez une autre version, de "
        "3.11 à 3.14 et de 64 bits, depuis https://www.python.org/downloads/ puis relancez la même "
        "commande avec elle.",
    ),
    (r"No matching distribution|Could not find a version|ResolutionImpossible", UNAVAILABLE),
)
UNKNOWN = (
    "Cela n'a pas abouti, et je ne sais pas dire pourquoi. Montrez cette ligne à la personne qui "
    "anime, ou copiez-la dans un ticket : {last}"
)


class InstallError(WorkshopError):
    """Une installation qui n'aboutit pas ; la phrase donne la cause et le remède."""


def prepare() -> None:
    """Crée `.venv` à neuf et le remplit. S'arrête avec une phrase si c'est impossible."""
    # Sur la sortie d'erreur : la sortie standard est à la commande, et peut être du JSON.
    say("J'installe les outils de l'atelier (une à deux minutes)…\n")
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            # Une exception, pour que `run` arrête ce qu'il a lancé.
            signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))
    try:
        if os.name == "nt" and len(str(ROOT)) > LONGEST_WINDOWS_ROOT:
            raise InstallError(sentence(TOO_LONG))
        with lock():
            if ready():
                return
            forget()
            # L'ancien environnement tient la place du nouveau.
            shutil.rmtree(VENV, ignore_errors=True)
            if free(ROOT) < NEEDED_MB:
                raise InstallError(sentence(FULL))
            create()
            install("requirements.txt")
            new = Path(STAMP + ".tmp")
            new.write_text(stamp(), "utf-8", newline="\n")
            new.replace(STAMP)
    except InstallError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(sentence(cause(f"Errno {error.errno} {error}"), last=str(error)))


def create() -> None:
    """Crée un environnement vide dans `.venv`, à la place de celui qui y était."""
    try:
        import venv
    except ImportError:
        raise InstallError(NO_PIP) from None
    try:
        venv.create(VENV, clear=True, with_pip=False, symlinks=os.name != "nt")
        works = run([PYTHON, "-c", ""]) == 0
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EIO):
            raise
        works = False
    if not works:
        raise InstallError(sentence(NO_LINKS))


def install(*requirements: str, python: str = PYTHON) -> None:
    """Installe des fichiers de dépendances dans un environnement, avec uv s'il est là, sinon pip.

    `python` est celui de l'environnement ; les chemins relatifs partent de la racine. S'il y a un
    kit (le dossier `paquets`), lui d'abord, sans réseau ; puis le réseau. Lève InstallError si rien
    n'aboutit.
    """
    files = [part for name in requirements for part in ("-r", str(ROOT / name))]
    files += ["-c", str(constraints())]
    kit = ["--find-links", str(KIT)] if KIT.is_dir() else []
    sources = [["--no-index", *kit], kit] if kit else [[]]
    uv = shutil.which("uv")
    tools = [[uv, "pip", "install", "--python", python]] if uv else []
    for tool in [*tools, None]:
        tool = tool or [*pip(python), "install", "--no-input", "--no-compile", *PATIENCE]
        for source in sources:
            code = run([*tool, "-q", *source, *files])
            if code == 0:
                # Sur tous les cœurs, ce que pip ne ferait que sur un. Sans le verrou : si le
                # système tue cette commande, ses ouvriers restent, et le tiendraient sans fin.
                folder = Path(python).parents[1]
                run([python, "-m", "compileall", "-q", "-j", "0", str(folder)], close_fds=True)
                return
    if code < 0:
        raise InstallError(STOPPED)
    words = cause(LOG.read_text("utf-8", "replace"))
    raise InstallError(sentence(KIT_LACKS if kit and words in (NETWORK, UNAVAILABLE) else words))


def constraints() -> Path:
    """Renvoie les versions à imposer, sans les options que le kit y met pour le chapitre 01.

    Elles interdiraient le réseau à la seconde tentative.
    """
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines(keepends=True)
    found = LOG.with_name("constraints.txt")
    found.write_text("".join(line for line in lines if line[:2] != "--"), "utf-8", newline="\n")
    return found


def pip(python: str = PYTHON) -> list[str]:
    """Renvoie de quoi lancer pip dans un environnement : celui de la machine, sinon le sien.

    Celui de la machine évite d'en installer un : quelques secondes de moins. Son lanceur est
    celui que prend `pip --python`, sans processus de plus.
    """
    found = importlib.util.find_spec("pip")
    runner = Path(found.origin).with_name("__pip-runner__.py") if found and found.origin else None
    if runner and runner.is_file():
        return [python, str(runner)]
    if run([python, "-c", "import pip"]) and run([python, "-m", "ensurepip"]):
        raise InstallError(NO_PIP)
    return [python, "-m", "pip"]


def run(command: list[str], close_fds: bool = False) -> int:
    """Renvoie le code de sortie d'une commande ; LOG garde ce qu'elle écrit.

    Elle hérite du verrou, sauf si `close_fds`. Montre dans un terminal les secondes qui passent ;
    abandonne au bout d'une demi-heure.
    """
    LOG.parent.mkdir(exist_ok=True)
    started = time.monotonic()
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            close_fds=close_fds,
            # Son propre groupe, pour que `stop` atteigne aussi ceux qu'elle lance.
            start_new_session=True,
        )
        try:
            while True:
                try:
                    return process.wait(timeout=1)
                except subprocess.TimeoutExpired:
                    seconds = int(time.monotonic() - started)
                    if sys.stderr.isatty():
                        say(f"\r{seconds} s ")
                if seconds > DEADLINE:
                    raise InstallError(SLOW)
        except BaseException:
            stop(process)
            raise
        finally:
            if sys.stderr.isatty():
                say("\r      \r")


def stop(process: subprocess.Popen) -> None:
    """Arrête une commande et ceux qu'elle a lancés : un Ctrl-C, puis trois secondes.

    Sous Windows, elle seule, aussitôt.
    """
    if os.name == "nt":
        process.kill()
    else:
        # Elle vient peut-être de finir.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        # La première finie peut laisser derrière elle celles qui ignorent Ctrl-C.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment() -> dict[str, str]:
    """Renvoie l'environnement d'une installation : le réseau de la machine, et rien d'autre."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV", "CONDA"))
        or NETWORK_SETTINGS.fullmatch(name)
    }
    # PIP_USER : un fichier pip.conf qui dit « user = true » ferait échouer l'installation.
    return kept | {
        "PIP_USER": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONUTF8": "1",
        "UV_HTTP_TIMEOUT": "15",
        "UV_HTTP_RETRIES": "1",
    }


@contextmanager
def lock():
    """Tient un verrou : une installation à la fois. Attend celle qui est en cours, et le dit."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.with_name("install.lock").open("w") as file:
        # Le pip d'un lanceur tué écrit encore : il hérite du verrou et le tient jusqu'à sa fin.
        os.set_inheritable(file.fileno(), os.name != "nt")
        deadline = time.monotonic() + DEADLINE
        waiting = False
        while not locked(file):
            if not waiting:
                say("Une autre installation est en cours dans ce dossier : j'attends sa fin…\n")
            waiting = True
            if time.monotonic() > deadline:
                raise InstallError(
                    "Une autre installation est en cours depuis une demi-heure. Redémarrez la "
                    "machine. " + RETRY
                )
            time.sleep(0.2)
        yield


def locked(file) -> bool:
    """Renvoie True une fois le verrou pris, ou s'il ne peut pas l'être sur ce disque."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
    return True


def cause(text: str, root: Path = ROOT) -> str:
    """Renvoie la phrase qui explique ce qu'a écrit une installation manquée, dans `root`."""
    if free(root) < EMPTY_MB:
        # Sur un disque plein, pip n'a pas pu écrire non plus qu'il l'était.
        return FULL
    return next((words for pattern, words in CAUSES if re.search(pattern, text)), UNKNOWN)


def sentence(words: str, last: str = "", root: Path = ROOT) -> str:
    """Renvoie une phrase, avec ce qu'elle dit de cette machine."""
    if "{last}" in words and not last and LOG.exists():
        last = last_line(LOG.read_text("utf-8", "replace"))
    temporary = tempfile.gettempdir()
    return words.format(
        root=root,
        last=last or "(rien)",
        needed=NEEDED_MB,
        free=free(root),
        temporary=temporary,
        temporary_free=free(temporary),
        python=f"{platform.python_version()}, {platform.machine()}",
        set="$env:" if os.name == "nt" else "export ",
        proxy=os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or "rien",
    )


def last_line(text: str) -> str:
    """Renvoie la dernière ligne d'un texte qui n'est pas vide, ou une chaîne vide."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def free(folder: str | Path) -> int:
    """Renvoie la place libre autour d'un dossier, en mégaoctets."""
    return shutil.disk_usage(folder).free // 1_000_000


def say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
