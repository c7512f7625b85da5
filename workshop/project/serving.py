"""Démarre et arrête le vrai serveur d'un projet, sur un port de la boucle locale."""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workshop.project.files import has_migrations
from workshop.system.nursed import ADDRESS, Nursed
from workshop.system.processes import (
    GUARD,
    OWN_GROUP,
    ServerError,
    free_port,
    last_line,
    listening,
    project_environment,
    require_free,
)

STARTUP_SECONDS = 20


class Crash(AssertionError):
    """Un programme du projet qui finit mal ; `log` est ce qu'il a écrit."""

    def __init__(self, sentence: str, log: str):
        super().__init__(sentence)
        self.log = log


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
        environment = project_environment() | self.environment
        command = ["manage.py", *arguments]
        with self.log_path.open("ab") as log:
            if prise := environment.pop(ADDRESS, ""):
                with contextlib.suppress(OSError):
                    return Nursed(prise, self.project, environment, command, log.fileno())
            return subprocess.Popen(
                [self.python, str(GUARD), *command],
                cwd=self.project,
                env=environment,
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
