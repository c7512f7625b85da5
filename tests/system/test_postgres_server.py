"""Le PostgreSQL des vérifications : il garde, meurt, revient avec tout, et ne laisse rien."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from workshop.basics import ROOT
from workshop.system import postgres_server
from workshop.system.postgres_server import PostgresServer, postgres_programs
from workshop.system.processes import ServerError, free_port, listening

pytestmark = pytest.mark.skipif(
    not postgres_programs(), reason="il n'y a pas de PostgreSQL sur cette machine"
)


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as running:
        yield running


def test_it_comes_back_with_what_it_kept(server):
    with psycopg.connect(server.url) as one:
        one.execute("CREATE TABLE gardé (texte text)")
        one.execute("INSERT INTO gardé VALUES ('bonjour')")
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url)
    server.start()
    with psycopg.connect(server.url) as one:
        assert one.execute("SELECT texte FROM gardé").fetchone() == ("bonjour",)


def test_it_listens_to_this_machine_and_leaves_nothing():
    with PostgresServer() as server:
        family = [psutil.Process(server.process.pid)]
        family += family[0].children(recursive=True)
        listened = set()
        for process in family:
            # Il en naît et il en meurt sans cesse.
            with contextlib.suppress(psutil.NoSuchProcess):
                listened |= {one.laddr.ip for one in process.net_connections("tcp")}
        folder = Path(server.folder.name)
    assert listened == {"127.0.0.1"}
    assert psutil.wait_procs(family, timeout=5)[1] == []
    assert not folder.exists()


def test_a_taken_port_is_named(server):
    with pytest.raises(ServerError, match=f"Le port {server.port} est déjà pris"):
        PostgresServer(server.port).__enter__()


def test_without_one_it_says_so(monkeypatch):
    monkeypatch.setattr(postgres_server, "postgres_programs", lambda: None)
    with pytest.raises(ServerError, match="Aucun PostgreSQL n'est trouvé"):
        PostgresServer().__enter__()


def test_the_command_starts_one_and_says_its_address():
    port = free_port()
    command = [sys.executable, "-m", "workshop", "postgresql", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as running:
        try:
            assert "(Ctrl-C l'arrête)" in running.stdout.readline()
            address = running.stdout.readline().split()[-1]
            with psycopg.connect(address) as one:
                assert one.execute("SELECT current_database()").fetchone() == ("chat",)
        finally:
            running.send_signal(signal.SIGTERM)
        running.wait(timeout=10)
    deadline = time.monotonic() + 5
    while listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listening(port)
