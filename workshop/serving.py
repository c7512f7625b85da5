"""Démarre et arrête le vrai serveur d'un projet, sur un port de la boucle locale."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workshop import WorkshopError

GUARD = Path(__file__).with_name("guard.py")
# Dans son propre groupe, un processus n'entend pas le Ctrl-C tapé pour celui qui l'a lancé.
OWN_GROUP = (
    {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    if os.name == "nt"
    else {"start_new_session": True}
)
STARTUP_SECONDS = 20
LEFT_BY_RUNS = {"__pycache__", ".pytest_cache", "db.sqlite3", ".venv", ".git", "node_modules"}


class ServerError(WorkshopError):
    """Un serveur qui ne démarre pas ; `log` est son journal, dont la phrase cite la fin."""

    def __init__(self, sentence: str, log: str = ""):
        super().__init__(sentence)
        self.log = log


class Crash(AssertionError):
    """Un programme du projet qui finit mal ; `log` est ce qu'il a écrit."""

    def __init__(self, sentence: str, log: str):
        super().__init__(sentence)
        self.log = log


def copy_project(project: Path, copy: Path) -> None:
    """Copie un projet, sans ce qu'ont laissé ses exécutions : la copie a sa propre base."""
    shutil.copytree(project, copy, symlinks=True, ignore=_left_aside)


def copied(project: Path) -> list[Path]:
    """Renvoie les fichiers que `copy_project` copie."""
    found = []
    for folder, folders, files in os.walk(project):
        aside = _left_aside(folder, [*folders, *files])
        folders[:] = [name for name in folders if name not in aside]
        found += [Path(folder, name) for name in files if name not in aside]
    return found


def _left_aside(folder: str, names: list[str]) -> set[str]:
    # Un environnement se reconnaît à pyvenv.cfg : certains ne s'appellent pas .venv.
    environments = {name for name in names if Path(folder, name, "pyvenv.cfg").is_file()}
    return environments | (LEFT_BY_RUNS & {*names})


def has_migrations(project: Path) -> bool:
    """Renvoie True si une application du projet a une migration : sa base est alors à créer."""
    return any(
        path.parent.name == "migrations" and path.suffix == ".py" and path.stem != "__init__"
        for path in copied(project)
    )


def free_port() -> int:
    """Renvoie un port libre de la boucle locale."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(port: int) -> bool:
    """Renvoie True si quelqu'un écoute ce port de la boucle locale."""
    with socket.socket() as probe:
        probe.settimeout(1)
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


class Server:
    """Le serveur d'un projet, de l'entrée à la sortie d'un bloc `with`.

    `project` est le dossier de `manage.py`. Le serveur tourne avec `python`, dans son propre
    groupe de processus, et ne survit pas au processus qui l'a lancé (voir guard.py). Si le projet
    a des migrations, sa base les reçoit d'abord. Lève ServerError si l'une des deux choses n'est
    pas faite en 20 secondes.
    """

    def __init__(
        self,
        project: Path,
        python: str = sys.executable,
        port: int = 0,
        environment: dict[str, str] | None = None,
    ):
        self.project, self.python, self.port = project, python, port or free_port()
        self.environment = environment or {}
        self.process: subprocess.Popen | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="serveur-", ignore_cleanup_errors=True)
        self.log_path = Path(self.folder.name) / "journal.txt"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Ce que le serveur a écrit jusqu'ici."""
        return self.log_path.read_text("utf-8", errors="replace")

    def page(self, path: str):
        """Renvoie la réponse à une page, lue dans son attribut `text`.

        Lève AssertionError si le serveur ne répond pas 200 en dix secondes.
        """
        import urllib.error
        import urllib.request

        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                answer.text = answer.read().decode(errors="replace")
                return answer
        except urllib.error.HTTPError as refusal:
            raise AssertionError(f"La page {path} répond HTTP {refusal.code}.") from None
        except OSError as error:
            raise AssertionError(f"La page {path} ne répond pas : {error}.") from None

    def __enter__(self) -> "Server":
        if not (self.project / "manage.py").is_file():
            raise ServerError("Le fichier manage.py n'est pas dans le dossier du projet.")
        require_free(self.port)
        try:
            if has_migrations(self.project):
                self.process = self._manage("migrate", "--verbosity", "0")
                self._wait_for_database()
                self.process.stdin.close()
            self.process = self._runserver()
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def kill(self) -> None:
        """Tue le serveur sans préavis."""
        self.process.kill()

    def restart(self) -> None:
        """Tue le serveur s'il vit encore, et le relance sur la même base et le même port."""
        self.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process = self._runserver()
        self._wait()

    def _runserver(self) -> subprocess.Popen:
        return self._manage("runserver", "--noreload", f"127.0.0.1:{self.port}")

    def _manage(self, *arguments: str) -> subprocess.Popen:
        """Lance `manage.py` ; ce qu'il écrit s'ajoute au journal."""
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                [self.python, str(GUARD), "manage.py", *arguments],
                cwd=self.project,
                env=project_environment() | self.environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **OWN_GROUP,
            )

    def _wait_for_database(self) -> None:
        try:
            status = self.process.wait(STARTUP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerError(
                "Le serveur n'a pas sa base de données : « python manage.py migrate » n'a pas fini "
                f"après {STARTUP_SECONDS} secondes. {last_line(self.log_path)}",
                self.log,
            ) from None
        if status:
            raise ServerError(
                "Le serveur n'a pas sa base de données : « python manage.py migrate » échoue. "
                f"{last_line(self.log_path)}",
                self.log,
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerError(
                    f"Le serveur ne démarre pas. {last_line(self.log_path)}", self.log
                )
            if listening(self.port):
                return
            time.sleep(0.02)
        raise ServerError(
            f"Le serveur n'écoute toujours pas après {STARTUP_SECONDS} secondes. Fermez d'autres "
            "programmes, et relancez la même commande.",
            self.log,
        )

    def __exit__(self, *_) -> None:
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.folder.cleanup()


def project_environment() -> dict[str, str]:
    """Renvoie l'environnement où tourne un projet : ni réglages d'ailleurs, ni octets laissés."""
    hidden = ("DJANGO_SETTINGS_MODULE", "REDIS_URL", "DATABASE_URL", "PYTHONPATH")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    return kept | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }
