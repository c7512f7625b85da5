"""Un tableau qui tourne pour de bon, et ceux qui lui parlent."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

from websockets.asyncio.client import connect

from workshop.basics import ROOT
from workshop.room.membership import Membership
from workshop.room.story import Story
from workshop.system.processes import free_port, listening, project_environment

COMMAND = """
import sys
from pathlib import Path
from workshop.commands.main import main
from workshop.system import memory

memory.PROGRESS = Path(sys.argv.pop(1))
main()
"""


class RunningBoard:
    """Le tableau que lance la commande `classe`, sur un port libre. On le tue, on le relance."""

    def __init__(self, folder: Path, *options: str):
        self.folder, self.options, self.port = folder, options, free_port()
        self.process: subprocess.Popen | None = None
        self.url = f"http://127.0.0.1:{self.port}"
        self.board, self.room = "/tableau/", f"{self.url}/salle/"
        self.log_path = folder / "tableau.txt"

    def start(self) -> None:
        """Le lance, et attend qu'il écoute."""
        command = [*self.command(self.folder / ".atelier"), "classe"]
        command += ["--sans-navigateur", "--port", str(self.port), *self.options]
        self.log_path.touch()
        lives = self.log.count("Votre tableau") + 1
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=project_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while self.log.count("Votre tableau") < lives or not listening(self.port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    @staticmethod
    def command(kept: Path) -> list[str]:
        """Renvoie de quoi lancer une commande, qui retient dans un dossier à elle."""
        return [sys.executable, "-c", COMMAND, str(kept)]

    def run(self, kept: Path, *arguments: str) -> subprocess.CompletedProcess:
        """Lance une commande jusqu'à sa fin."""
        return subprocess.run(
            [*self.command(kept), *arguments],
            cwd=ROOT,
            env=project_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")


@contextlib.contextmanager
def running_board(*options: str) -> Iterator[RunningBoard]:
    """Donne un tableau, tué à la sortie du bloc."""
    with tempfile.TemporaryDirectory(prefix="salle é à ", ignore_cleanup_errors=True) as folder:
        board = RunningBoard(Path(folder), *options)
        try:
            board.start()
            yield board
        finally:
            board.kill()


class Viewer:
    """Une page du tableau, sans navigateur : ce qu'elle montre, et quand chaque ligne est venue."""

    def __init__(self):
        self.rows, self.room, self.life, self.number, self.frames = {}, {}, "", -1, []
        self.seen: dict[tuple[str, int], float] = {}

    def receive(self, news: dict) -> None:
        now = time.monotonic()
        self.life, self.number, self.room = news["life"], news["number"], news["room"]
        if news.get("whole"):
            self.rows.clear()
        for one in news.get("gone", ()):
            self.rows.pop(one, None)
        for row in news.get("rows", ()):
            self.rows[row["id"]] = row
            self.seen.setdefault((row["name"], row["verdicts"]), now)

    def named(self, name: str) -> dict | None:
        return next((row for row in self.rows.values() if row["name"] == name), None)

    async def until(self, condition, seconds: float = 15) -> None:
        """Attend qu'une condition soit vraie."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def viewing(board: RunningBoard, path: str = "") -> AsyncIterator[Viewer]:
    """Donne une page qui suit le tableau, et qui revient s'il meurt."""
    viewer = Viewer()

    async def follow():
        while True:
            with contextlib.suppress(Exception):
                address = board.url.replace("http", "ws") + board.board + path
                async with connect(address, origin=board.url, proxy=None, max_size=None) as socket:
                    while True:
                        await socket.send(json.dumps({"after": viewer.number, "life": viewer.life}))
                        text = await socket.recv()
                        viewer.frames.append(text)
                        viewer.receive(json.loads(text))
            await asyncio.sleep(0.2)

    task = asyncio.create_task(follow())
    try:
        await viewer.until(lambda: viewer.room, 30)
        yield viewer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def member(url: str, name: str, step: str = "05-consumers") -> Membership:
    """Renvoie la place de quelqu'un qui vient de rejoindre la salle."""
    story = Story(step)
    story.begin(step, time.time())
    return Membership(url, name, f"jeton-{sha256(name.encode()).hexdigest()}"[:32], story)


class Wire:
    """Le fil entre quelqu'un et le tableau : on le coupe, on le répare."""

    def __init__(self, port: int):
        self.port, self.cut, self.pipes = port, False, set()

    async def __aenter__(self) -> "Wire":
        self.server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/salle/"
        return self

    async def __aexit__(self, *_) -> None:
        self.server.close()
        self.break_off()

    def break_off(self) -> None:
        """Coupe : ce qui est ouvert tombe, et rien ne s'ouvre plus."""
        self.cut = True
        for writer in self.pipes:
            writer.transport.abort()

    async def _carry(self, reader, writer) -> None:
        if self.cut:
            writer.transport.abort()
            return
        try:
            theirs, back = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            # Le tableau est mort.
            writer.transport.abort()
            return
        self.pipes |= {writer, back}

        async def pump(source, target):
            with contextlib.suppress(OSError):
                while data := await source.read(2**16):
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(pump(reader, back), pump(theirs, writer))
