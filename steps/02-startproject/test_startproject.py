"""Étape 02 : un projet Django qui répond, et un client qui dit ce qu'il entend."""

import subprocess
import urllib.request
from threading import Thread

import pytest
from websockets.sync.server import serve

from workshop.serving import free_port


@pytest.fixture
def run_client(project, python):
    """Lance le `client.py` du projet et renvoie ce qu'il imprime."""

    def run(address: str) -> str:
        assert (project / "client.py").is_file(), "client.py n'est pas à côté de manage.py."
        try:
            done = subprocess.run(
                [python, "-X", "utf8", "client.py", address],
                cwd=project,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=15,
            )
        except subprocess.TimeoutExpired:
            pytest.fail("client.py ne s'est pas arrêté en 15 secondes.")
        last = done.stderr.strip().splitlines()[-1:]
        assert done.returncode == 0, f"client.py s'arrête sur une erreur : {' '.join(last)}"
        return done.stdout

    return run


@pytest.fixture
def talkative_server():
    """Un petit serveur websocket qui salue, puis répète : donne son adresse."""

    def talk(socket):
        socket.send("Bienvenue chez le serveur d'essai !")
        for text in socket:
            socket.send(f"J'entends : {text}")

    with serve(talk, "127.0.0.1", 0) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{running.socket.getsockname()[1]}/chat/poneys/"
        running.shutdown()


def test_project_answers(project, server):
    """Le projet démarre et la page `/admin/login/` répond"""
    with urllib.request.urlopen(f"{server.url}/admin/login/", timeout=10) as answer:
        assert answer.status == 200


def test_client_hears(run_client, talkative_server):
    """`client.py` dit ce qu'il entend"""
    said = run_client(talkative_server)
    assert "Bienvenue chez le serveur d'essai !" in said, (
        f"Un serveur a salué client.py, qui ne l'a pas imprimé. Il a dit : « {said.strip()} »."
    )
    assert "J'entends : " in said, (
        f"client.py n'a pas imprimé la réponse à son message. Il a dit : « {said.strip()} »."
    )


def test_client_stops(run_client):
    """`client.py` s'arrête de lui-même quand personne n'écoute"""
    said = run_client(f"ws://127.0.0.1:{free_port()}/chat/poneys/")
    assert said.strip(), "Personne n'écoute à cette adresse, et client.py n'en a rien dit."
