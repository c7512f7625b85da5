"""La démonstration parle, dit son adresse sur une ligne, et ne laisse rien derrière elle."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from types import SimpleNamespace

import pytest
from websockets.sync.client import connect

from workshop.basics import ROOT
from workshop.chapters.steps import all_steps, find_step
from workshop.demo import entrance, running_demo, talking_trolls
from workshop.system.processes import listening

ITS_OWN_PAGE = """
from django.http import HttpResponse

urlpatterns.append(path("chat/<room>/", lambda request, room: HttpResponse(f"Le salon {room}")))
"""


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


@pytest.fixture
def with_its_own_page(tmp_path):
    """Une étape dont le projet a une page pour chaque salon."""
    project = tmp_path / "live"
    shutil.copytree(find_step("05").solution, project)
    urls = project / "live" / "urls.py"
    urls.write_text(f"{urls.read_text('utf-8')}{ITS_OWN_PAGE}", "utf-8")
    return SimpleNamespace(solution=project)


def test_the_page_of_the_project_comes_first(with_its_own_page):
    with running_demo(with_its_own_page) as server:
        assert entrance(server) == f"{server.url}/chat/poneys/"
        assert server.page("/chat/poneys/").text == "Le salon poneys"
    with running_demo(find_step("05")) as server:
        assert entrance(server) == f"{server.url}/"


def test_the_trolls_talk_in_the_last_step_too():
    step = all_steps()[-1]
    with running_demo(step) as server, talking_trolls(server, 3, tempo=0.1):
        address = server.url.replace("http", "ws") + "/chat/poneys/"
        with connect(address, origin=server.url, proxy=None) as ws:
            assert ws.recv(timeout=30) == "Bienvenue Anonymous troll !"
            assert all(ws.recv(timeout=30).startswith("<") for _ in range(10))


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
