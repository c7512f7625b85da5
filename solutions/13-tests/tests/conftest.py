import socket
import subprocess
import sys
import time

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings

from live.asgi import application


@pytest.fixture
async def knock(transactional_db):
    """Frappe à la porte d'un salon ; à la fin du test, qui reste est raccompagné."""
    visitors = []

    def knock(room="poneys", *, origin="http://localhost", cookie="", protocols=()):
        headers = {"host": "localhost", "origin": origin, "cookie": cookie}
        headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        visitor = WebsocketCommunicator(application, f"/chat/{room}/", headers, [*protocols])
        visitors.append(visitor)
        return visitor

    yield knock
    for visitor in visitors:
        if not visitor.future.done():
            await visitor.disconnect()


@pytest.fixture
def enter(knock):
    """Fait entrer quelqu'un, et garde sa bienvenue."""

    async def enter(room="poneys", **options):
        visitor = knock(room, **options)
        accepted, visitor.protocol = await visitor.connect()
        assert accepted
        visitor.welcome = await visitor.receive_from()
        return visitor

    return enter


@pytest.fixture(scope="session")
def server():
    """L'adresse d'un vrai serveur, qui a sa propre base de test."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "127.0.0.1:{1}".format(*free.getsockname())
    command = [sys.executable, "-m", "tests.serve", "testserver", "tests/empty.json"]
    command += ["--noinput", "--addrport", address]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdin=subprocess.PIPE)
    try:
        wait_for(process, address)
        yield address
    finally:
        process.stdin.close()
        process.wait()


def wait_for(process, address):
    host, port = address.split(":")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    pytest.fail("Le serveur n'écoute pas.")
