"""Démarre et arrête le vrai serveur d'un projet, sur un port de la boucle locale."""

import contextlib
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from workshop.project.files import has_migrations, hides_a_package
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

# Une machine très chargée en met vingt ; qui meurt avant est vu aussitôt.
STARTUP_SECONDS = 45
TRACEBACK = re.compile(
    r"^Traceback \(most recent call last\):\n((?:[ \t].*\n|\n)*)(\S.*)$", re.MULTILINE
)
FILE = re.compile(r'^ *File "(.+)", line \d+', re.MULTILINE)
# Où écoute un serveur, dans sa langue ; le port suit.
PROGRAMS = {
    "daphne": ("-b", "127.0.0.1", "-p"),
    "uvicorn": ("--no-access-log", "--host", "127.0.0.1", "--port"),
}
# Un chemin que Channels refuse ainsi, et quelqu'un qui part pendant qu'on lui parle.
NOBODY_S_FAULT = re.compile(r"No route found for path|^autobahn\.exception\.Disconnected")


class Crash(AssertionError):
    """Un programme du projet qui finit mal ; `log` est ce qu'il a écrit."""

    def __init__(self, sentence: str, log: str):
        super().__init__(sentence)
        self.log = log


def require_no_exception(server: "Server") -> None:
    """Lève Crash si le journal d'un serveur a une exception passée par le code du projet.

    Une route qui manque n'en est pas une : le chemin est refusé, et Channels le dit ainsi.
    """
    project = str(server.project.resolve())
    for found in TRACEBACK.finditer(server.log):
        frames, last = found[1], found[2].strip()
        ours = (name for name in FILE.findall(frames) if "site-packages" not in name)
        theirs = any(name.startswith(project) for name in ours)
        if theirs and not NOBODY_S_FAULT.search(last):
            raise Crash(
                "Le projet lève une exception que seul le journal du serveur montre : "
                f"{last.replace(': ', ' : ', 1)}",
                found[0],
            )


class Server:
    """Le serveur d'un projet, de l'entrée à la sortie d'un bloc `with`.

    `project` est le dossier de `manage.py`. Le serveur tourne avec `python`, dans son propre
    groupe de processus, et ne survit pas au processus qui l'a lancé (voir guard.py). C'est
    `runserver`, ou daphne seul si l'on nomme `application`, comme « live.asgi:application ». Si le
    projet a des migrations, sa base les reçoit pendant qu'il démarre. Lève ServerError si l'une des
    deux choses n'est pas faite en 20 secondes.
    """

    def __init__(
        self,
        project: Path,
        python: str = sys.executable,
        port: int = 0,
        environment: dict[str, str] | None = None,
        application: str = "",
        program: str = "daphne",
        options: tuple[str, ...] = (),
    ):
        self.project, self.python, self.port = project, python, port or free_port()
        self.environment, self.application = environment or {}, application
        self.program, self.options = program, options
        self.process: subprocess.Popen | None = None
        self.migrating: subprocess.Popen | None = None
        self.folder = tempfile.TemporaryDirectory(prefix="serveur-", ignore_cleanup_errors=True)
        self.log_path = Path(self.folder.name) / "journal.txt"
        self._base_log = Path(self.folder.name) / "migrate.txt"

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

    def start(self) -> None:
        """Lance le serveur, et sa base en même temps, sans rien attendre."""
        if not (self.project / "manage.py").is_file():
            raise ServerError("Le fichier manage.py n'est pas dans le dossier du projet.")
        require_free(self.port)
        self.process = self._run()
        if not self.application and has_migrations(self.project):
            self.migrating = self._manage(self._base_log, "migrate", "--verbosity", "0")

    def __enter__(self) -> "Server":
        try:
            if not self.process:
                self.start()
            if self.migrating:
                self._wait_for_database()
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def kill(self) -> None:
        """Tue le serveur sans préavis."""
        self.process.kill()

    def stop(self) -> None:
        """Prie le serveur de finir, et l'attend."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STARTUP_SECONDS)

    def restart(self) -> None:
        """Tue le serveur s'il vit encore, et le relance sur la même base et le même port."""
        self.kill()
        self.process.wait()
        self.process.stdin.close()
        # Sous Windows, le Python du projet finit un instant après celui qui l'a lancé.
        deadline = time.monotonic() + STARTUP_SECONDS
        while listening(self.port) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.process = self._run()
        self._wait()

    def _run(self) -> subprocess.Popen:
        if self.application:
            where = (*PROGRAMS[self.program], str(self.port))
            return self._launch(
                self.log_path, "-m", self.program, *where, *self.options, self.application
            )
        return self._manage(self.log_path, "runserver", "--noreload", f"127.0.0.1:{self.port}")

    def _manage(self, log_path: Path, *arguments: str) -> subprocess.Popen:
        return self._launch(log_path, "manage.py", *arguments)

    def _launch(self, log_path: Path, *arguments: str) -> subprocess.Popen:
        """Lance un programme du projet ; ce qu'il écrit s'ajoute à un journal."""
        environment = project_environment() | self.environment
        with log_path.open("ab") as log:
            prise = environment.pop(ADDRESS, "")
            if prise and not hides_a_package(self.project):
                with contextlib.suppress(OSError):
                    return Nursed(prise, self.project, environment, [*arguments], log.fileno())
            return subprocess.Popen(
                [self.python, str(GUARD), *arguments],
                cwd=self.project,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **OWN_GROUP,
            )

    def _wait_for_database(self) -> None:
        try:
            status = self.migrating.wait(STARTUP_SECONDS)
        except subprocess.TimeoutExpired:
            self._has_no_database(f"n'a pas fini après {STARTUP_SECONDS} secondes")
        if status:
            self._has_no_database("échoue")

    def _has_no_database(self, why: str) -> NoReturn:
        raise ServerError(
            f"Le serveur n'a pas sa base de données : « python manage.py migrate » {why}. "
            f"{last_line(self._base_log)}",
            self._base_log.read_text("utf-8", "replace"),
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTUP_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                what = (
                    f"« python -m {self.program} {self.application} »"
                    if self.application
                    else "Le serveur"
                )
                raise ServerError(f"{what} ne démarre pas. {last_line(self.log_path)}", self.log)
            if listening(self.port):
                return
            time.sleep(0.02)
        raise ServerError(
            f"Le serveur n'écoute toujours pas après {STARTUP_SECONDS} secondes. Fermez d'autres "
            "programmes, et relancez la même commande.",
            self.log,
        )

    def __exit__(self, *_) -> None:
        if self.migrating:
            self.migrating.stdin.close()
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.folder.cleanup()
