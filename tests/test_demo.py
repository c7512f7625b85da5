"""La démonstration parle, dit son adresse sur une ligne, et ne laisse rien derrière elle."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from websockets.sync.client import connect

from workshop import ROOT
from workshop.serving import listening


@pytest.fixture
def demo():
    """Lance `demo 05` ; donne le processus et l'adresse qu'il imprime."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workshop", "démo", "05", "--port", "0", "--sans-navigateur"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    line = process.stdout.readline()
    yield process, next(word for word in line.split() if word.startswith("http")).rstrip("/")
    process.kill()
    process.wait()


def test_chat_and_page_share_a_port(demo):
    _, url = demo
    with urllib.request.urlopen(url, timeout=5) as page:
        assert "Ce qui passe sur le fil" in page.read().decode()
    with connect(url.replace("http", "ws") + "/chat/4chan-b/", origin=url, proxy=None) as ws:
        assert ws.recv(timeout=5) == "Bienvenue Anonymous troll !"


@pytest.mark.skipif(os.name == "nt", reason="ces signaux n'existent pas sous Windows")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_nothing_is_left(demo, name):
    process, url = demo
    port = int(url.rsplit(":", 1)[1])
    assert listening(port)
    process.send_signal(getattr(signal, name))
    process.wait(timeout=5)
    deadline = time.monotonic() + 3
    while listening(port) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not listening(port), "le serveur de la démonstration tourne encore"


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "workshop", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_a_taken_port_is_a_sentence(demo):
    done = run("demo", "05", "--port", demo[1].rsplit(":", 1)[1], "--sans-navigateur")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "déjà pris" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["demo", "03"], "à partir de l'étape 05"),
        (["demo", "42"], "Il n'y a pas d'étape « 42 »"),
        (["demo", "--prot", "1"], "L'option --prot n'existe pas."),
        (["demo", "--port", "mille"], "La valeur donnée à --port ne convient pas."),
        (["danser"], "La commande « danser » n'existe pas."),
        (["verifier", "01", "--projet", "nulle-part"], "n'existe pas"),
    ],
)
def test_a_wrong_command_is_a_sentence(arguments, sentence):
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr.replace("\u00a0", " ")
    assert "Traceback" not in done.stderr


def test_without_a_command_the_parcours_and_the_commands():
    done = run()
    assert done.returncode == 0
    assert "steps/05-consumers/README.md" in done.stdout
    for command in ("verifier", "demo", "construire", "test"):
        assert command in done.stdout
