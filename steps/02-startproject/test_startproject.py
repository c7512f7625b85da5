"""Étape 02 : un projet Django qui répond, et un client qui dit ce qu'il entend."""

import subprocess
from threading import Thread

import pytest
from websockets.sync.server import serve

from workshop.project.serving import Crash
from workshop.system.processes import free_port


@pytest.fixture
def run_client(project, python):
    """Lance le `client.py` du projet et renvoie ce qu'il imprime."""

    def run(address: str) -> str:
        assert (project / "client.py").is_file(), "client.py n'est pas à côté de manage.py."
        # Un client qui n'en finit pas dit où il en est avant d'être arrêté.
        code = "import faulthandler, runpy, sys; faulthandler.dump_traceback_later(8);"
        code += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
        try:
            done = subprocess.run(
                [python, "-X", "utf8", "-c", code, "client.py", address],
                cwd=project,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=10,
            )
        except subprocess.TimeoutExpired as late:
            # Sous Windows, c'est déjà du texte.
            said = late.stderr or ""
            said = said.decode(errors="replace") if isinstance(said, bytes) else said
            raise Crash("client.py ne s'arrête pas.", said) from None
        last = done.stderr.strip().splitlines()[-1:]
        if done.returncode:
            raise Crash(f"client.py s'arrête sur une erreur : {' '.join(last)}", done.stderr)
        return done.stdout

    return run


@pytest.fixture
def talkative_server():
    """Un petit serveur websocket qui salue, puis répète : donne son adresse."""

    def talk(socket):
        socket.send("Bienvenue chez le serveur d'essai !")
        for text in socket:
            socket.send(f"J'entends : {text}")

    def refuse(socket, request):
        return socket.respond(403, "") if request.path == "/refus/" else None

    with serve(talk, "127.0.0.1", 0, process_request=refuse) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{running.socket.getsockname()[1]}/chat/poneys/"
        running.shutdown()


def test_project_answers(server):
    """Le projet démarre et la page `/admin/login/` répond"""
    # Sans aucune route, Django répond 200 à toute adresse, par une page de bienvenue.
    assert 'name="username"' in server.page("/admin/login/").text, (
        "La page /admin/login/ n'est pas celle de l'administration : rien n'y demande qui l'on est."
    )


def test_client_hears(run_client, talkative_server):
    """`client.py` dit ce qu'il entend"""
    said = ", ".join(run_client(talkative_server).splitlines())
    assert "Bienvenue chez le serveur d'essai !" in said, (
        f"Un serveur a salué client.py, qui ne l'a pas imprimé. Il a dit : « {said} »."
    )
    assert "J'entends : " in said, (
        f"client.py n'a pas imprimé la réponse à son message. Il a dit : « {said} »."
    )
    assert said.count("Bienvenue chez") <= 2, (
        f"client.py répète ce qu'il a déjà dit. Il a dit : « {said} »."
    )
    refused = run_client(talkative_server.replace("/chat/poneys/", "/refus/"))
    assert refused.strip(), "Un serveur a refusé la connexion, et client.py n'en a rien dit."


def test_client_stops(run_client):
    """`client.py` s'arrête de lui-même quand personne n'écoute"""
    said = run_client(f"ws://127.0.0.1:{free_port()}/chat/poneys/")
    assert said.strip(), "Personne n'écoute à cette adresse, et client.py n'en a rien dit."
