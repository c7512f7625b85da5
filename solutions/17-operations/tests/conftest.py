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
    """Donne de quoi frapper à la porte d'un salon ; à la fin, qui reste est raccompagné."""
    visitors = []

    def knock_at(room="poneys", *, origin="http://localhost", cookie="", protocols=()):
        headers = {"host": "localhost", "origin": origin, "cookie": cookie}
        headers = [(name.encode(), value.encode()) for name, value in headers.items()]
        visitor = WebsocketCommunicator(application, f"/chat/{room}/", headers, [*protocols])
        visitors.append(visitor)
        return visitor

    yield knock_at
    for visitor in visitors:
        if not visitor.future.done():
            await visitor.disconnect()


@pytest.fixture
def enter(knock):
    """Donne de quoi faire entrer quelqu'un, et garder sa bienvenue."""

    async def enter_room(room="poneys", **options):
        visitor = knock(room, **options)
        accepted, visitor.protocol = await visitor.connect()
        assert accepted
        visitor.welcome = await visitor.receive_from()
        return visitor

    return enter_room


@pytest.fixture(scope="session")
def server():
    """L'adresse d'un vrai serveur, qui a sa propre base de test."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "manage.py", "testserver", "tests/empty.json", "--noinput"]
    command += ["--addrport", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR)
    try:
        wait_for(process, port)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(process, port):
    """Attend que ce serveur écoute sur ce port, une minute au plus, et tant qu'il vit."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Le serveur n'écoute pas.")
