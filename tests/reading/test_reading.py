"""`lire`, sans navigateur : qui peut lire, ce que dit la marge, et comment tout s'arrête."""

import asyncio
import http.client
import json
import subprocess

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.reading.serving import running_reader
from tests.room.serving import running_board, viewing
from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import find_step
from workshop.publishing import site
from workshop.reading import pages
from workshop.room.membership import join
from workshop.room.serving import addresses
from workshop.system import memory
from workshop.system.processes import project_environment

CONSUMERS = "chat/consumers.py"
FORGOTTEN = "        self.channel_layer.group_add("


@pytest.fixture(scope="module")
def reader():
    with running_reader(find_step("05").solution, "05-consumers") as running:
        yield running


def get(reader, path, host="127.0.0.1"):
    """Renvoie la réponse à une requête, et son texte."""
    connection = http.client.HTTPConnection("127.0.0.1", reader.port, timeout=10)
    connection.request("GET", path, headers={"Host": f"{host}:{reader.port}"})
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer, text


def margin(reader, origin):
    address = f"ws://127.0.0.1:{reader.port}/marge/"
    return connect(address, origin=origin, proxy=None)


async def until(socket, condition):
    """Renvoie la première image de la marge qui remplit une condition."""
    async with asyncio.timeout(90):
        while not condition(picture := json.loads(await socket.recv())):
            pass
    return picture


def test_a_page_has_the_margin_and_a_policy_that_runs_nothing_else(reader):
    answer, text = get(reader, "/steps/05-consumers/README.html")
    assert answer.status == 200 and '<script src="/marge.js" defer></script>' in text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    assert "<script>" not in text and " style=" not in text
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_only_a_deck_may_run_what_it_carries(reader):
    answer, _ = get(reader, "/slides/html/05-consumers.html")
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-inline'" in policy and "frame-ancestors 'self'" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    "path", ["/../step", "/%2e%2e/step", "/..%5cstep", "/nulle-part.html", "/steps", "/%00"]
)
def test_nothing_is_served_but_the_pages(reader, path):
    answer, text = get(reader, path)
    assert answer.status == 404 and "05-consumers" not in text


def test_another_name_for_this_machine_is_refused(reader):
    assert get(reader, "/", "ailleurs.example")[0].status == 400


def test_nobody_listens_on_the_network(reader):
    for address in addresses():
        with pytest.raises(OSError):
            http.client.HTTPConnection(address, reader.port, timeout=5).connect()


@pytest.mark.parametrize("origin", [None, "http://ailleurs.example", "http://127.0.0.1:1", "null"])
async def test_a_page_from_elsewhere_does_not_read_the_goals(reader, origin):
    with pytest.raises(InvalidStatus, match="403"):
        async with margin(reader, origin):
            pass


async def test_the_margin_follows_each_save_and_survives_nonsense():
    solution = find_step("05").solution
    with running_reader(solution, "05-consumers") as reader:
        consumers = reader.project / CONSUMERS
        right = consumers.read_text("utf-8")
        consumers.write_text(
            right.replace("await self.channel_layer.group_add(", FORGOTTEN.strip())
        )
        async with margin(reader, reader.url) as socket:
            red = await until(socket, lambda picture: "await" in picture["cause"])
            assert "Ouvrez chat/consumers.py, ligne" in red["cause"] and not red["next"]
            states = [goal["state"] for goal in red["goals"]]
            assert states.count("failed") == 1 and states[-1] == "waiting"
            for nonsense in ("quit", "{", "n", b"check"):
                await socket.send(nonsense)
            consumers.write_text("def (:\n", "utf-8")
            await until(socket, lambda picture: picture["cause"].endswith("consumers.py, ligne 1."))
            consumers.write_text(right, "utf-8")
            green = await until(socket, lambda picture: picture["next"])
            assert green["next"] == "steps/06-console/README.html"
            assert "Étape réussie" in green["conclusion"]
            await socket.send("next")
            after = await until(socket, lambda picture: picture["title"].startswith("06"))
            assert after["page"] == green["next"]


async def test_the_margin_says_that_one_is_in_a_room_and_leaves_it(monkeypatch):
    with running_board() as board, running_reader(find_step("05").solution, "05-consumers") as one:
        monkeypatch.setattr(memory, "PROGRESS", one.folder / ".atelier")
        async with viewing(board) as viewer, margin(one, one.url) as socket:
            assert not (await until(socket, lambda picture: picture["goals"]))["room"]
            await asyncio.to_thread(join, board.room, "Ada", "05-consumers", frozenset())
            picture = await until(socket, lambda picture: "à jour" in picture["room"])
            assert "Ada" in picture["room"] and not picture["stuck"]
            await viewer.until(lambda: viewer.named("Ada"))
            await socket.send("stuck")
            await until(socket, lambda picture: picture["stuck"])
            await viewer.until(lambda: viewer.named("Ada")["stuck"])
            await socket.send("leave")
            await until(socket, lambda picture: not picture["room"])
            await viewer.until(lambda: not viewer.named("Ada"))


async def test_without_a_project_the_margin_says_what_to_make():
    with running_reader() as reader:
        async with margin(reader, reader.url) as socket:
            picture = await until(socket, lambda picture: "live/.venv" in picture["cause"])
        assert picture["title"].startswith("01")


def test_a_taken_port_is_a_sentence(reader):
    done = subprocess.run(
        reader.command(),
        cwd=ROOT,
        env=project_environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 2 and f"Le port {reader.port} est déjà pris" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_leaves_nothing_running():
    with running_reader(find_step("05").solution, "05-consumers") as reader:
        children = psutil.Process(reader.process.pid).children(recursive=True)
        assert reader.stop() == 0, reader.log
        assert "Vos prévisions restent" in reader.log and "Traceback" not in reader.log
        _, alive = psutil.wait_procs(children, 5)
        assert children and not alive
        assert not [*reader.folder.glob(".atelier/*.partiel")]


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Une mémoire à part, et un faux Sphinx qui note combien de fois il a travaillé."""
    monkeypatch.setattr(memory, "PROGRESS", tmp_path / ".atelier")
    text, made = tmp_path / "README.md", []
    text.write_text("# Un", "utf-8")

    def build(folder):
        folder.mkdir(parents=True)
        (folder / "index.html").touch()
        made.append(folder)

    monkeypatch.setattr(site, "build", build)
    monkeypatch.setattr(site, "sources", lambda: [text])
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    return text, made


def test_pages_are_made_once_and_again_when_a_text_changes(kept, tmp_path):
    text, made = kept
    said = []
    for _ in range(2):
        assert pages.made_pages(said.append) == tmp_path / ".atelier" / "pages"
    assert len(made) == len(said) == 1
    text.write_text("# Deux", "utf-8")
    pages.made_pages(said.append)
    assert len(made) == 2


def test_pages_that_cannot_be_written_are_a_sentence(kept, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site, "build", full)
    with pytest.raises(WorkshopError, match="Vérifiez la place qui reste"):
        pages.made_pages(lambda words: None)
