"""Un projet déployé sur la boucle locale : nginx, en TLS, et deux serveurs derrière."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from workshop.project.python import settings_module
from workshop.project.serving import Server
from workshop.system.nginx_server import NginxServer
from workshop.system.processes import project_environment

HERE = "127.0.0.1"


def production_settings(project: Path) -> dict[str, str]:
    """Renvoie les réglages de la production, sans les adresses de la base et de Redis."""
    settings = settings_module(project)
    own = settings.rpartition(".")[0] + ".production"
    if (project / (own.replace(".", "/") + ".py")).is_file():
        settings = own
    return {
        "DJANGO_SETTINGS_MODULE": settings,
        "DJANGO_DEBUG": "0",
        "DJANGO_SECRET_KEY": "une-cle-de-verification-de-plus-de-cinquante-caracteres",
        "DJANGO_ALLOWED_HOSTS": HERE,
    }


def manage(
    project: Path, python: str, environment: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess:
    """Lance une commande de `manage.py` ; renvoie son code et ce qu'elle dit.

    Lève AssertionError si elle n'a pas fini en une minute.
    """
    try:
        return subprocess.run(
            [python, "manage.py", *arguments],
            cwd=project,
            env=project_environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        command = " ".join(arguments)
        raise AssertionError(f"« manage.py {command} » n'a pas fini en une minute.") from None


class ProductionServer(Server):
    """Le serveur d'un projet, comme en production : `python serve.py PORT`."""

    def _run(self) -> subprocess.Popen:
        return self._launch(self.log_path, "serve.py", str(self.port))


def started(stack: contextlib.ExitStack, first: Server, second: Server) -> list[Server]:
    """Démarre deux serveurs à la fois, sur une base neuve ; le premier seul y fait les tables."""
    for server in (first, second):
        stack.callback(server.__exit__)
    first.start()
    second.process = second._run()
    return [stack.enter_context(server) for server in (first, second)]


def issued(folder: Path) -> tuple[Path, Path, Path]:
    """Signe un certificat ; renvoie celui de l'autorité, celui du serveur, et sa clé."""
    # Tard : peu s'en servent.
    import trustme

    authority, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    signer = trustme.CA()
    made = signer.issue_cert(HERE)
    signer.cert_pem.write_to_path(authority)
    made.private_key_pem.write_to_path(key)
    for rank, blob in enumerate(made.cert_chain_pems):
        blob.write_to_path(certificate, append=bool(rank))
    return authority, certificate, key


class Front:
    """Ce que voit quelqu'un de dehors : l'adresse de nginx, et l'autorité à qui se fier.

    `servers` sont les serveurs derrière.
    """

    def __init__(self, nginx: NginxServer, servers: list[Server], authority: Path):
        self.url, self.port = nginx.url, nginx.port
        self.servers, self.authority = servers, authority


@contextlib.contextmanager
def deployed(
    project: Path, environment: dict[str, str], python: str = sys.executable
) -> Iterator[Front]:
    """Déploie une copie d'un projet, le temps d'un bloc. Lève ServerError si une pièce manque.

    `environment` nomme ses réglages, une base neuve et un Redis. Les fichiers sont déjà réunis.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tls-")))
        authority, certificate, key = issued(folder)
        pair = (ProductionServer(project, python, 0, environment) for _ in range(2))
        servers = started(stack, *pair)
        ports = [server.port for server in servers]
        nginx = stack.enter_context(NginxServer(project, ports, (certificate, key), python))
        yield Front(nginx, servers, authority)
