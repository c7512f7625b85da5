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
    """Lance `demo 05` ; donne le processus et l'adresse qu'il imprime."""
    process = subprocess.Popen(
        [sys.executable, "-m", "workshop", "démo", "05", "--port", "0", "--sans-navigateur"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        line = process.stdout.readline()
        yield process, next(word for word in line.split() if word.startswith("http")).rstrip("/")
    finally:
        process.terminate()
        process.wait()


def test_chat_and_page_share_a_port(demo):
    _, url = demo
    with urllib.request.urlopen(url, timeout=5) as page:
        assert "Ce qui passe sur le fil" in page.read().decode()
    with connect(url.replace("http", "ws") + "/chat/4chan-b/", origin=url, proxy=None) as ws:
        assert ws.recv(timeout=5) == "Bienvenue Anonymous troll !"


def test_the_cookie_of_another_project_is_no_obstacle(demo):
    _, url = demo
    address, cookie = url.replace("http", "ws") + "/chat/poneys/", f"sessionid={'a' * 32}"
    headers = {"Cookie": cookie}
    with connect(address, origin=url, additional_headers=headers, proxy=None) as ws:
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


def test_a_taken_port_is_a_sentence(demo):
    port = demo[1].rsplit(":", 1)[1]
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "demo", "05", "--port", port, "--sans-navigateur"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "déjà pris" in done.stderr and "Traceback" not in done.stderr
