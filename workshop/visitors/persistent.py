"""Quelqu'un qui suit un salon comme la page du chapitre 10, à travers les coupures."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from workshop.basics import WorkshopError

MUTE_SECONDS = 5
HOLE_SECONDS = (0.25, 0.75)
ENTRANCE_SECONDS = 10


class Unanswered(WorkshopError):
    """Le chat n'a pas répondu à ceux qui entrent."""


class PersistentMember:
    """Une boîte d'envoi, des clés, des numéros, un battement : rien de perdu, rien en double.

    `read` est ce que montrerait sa page, dans l'ordre ; `unsent` sont les messages dont elle n'a
    pas eu l'écho, par clé ; `asked` compte ses questions.
    """

    # Dix fois moins que la page : un test n'attend pas dix secondes un battement.
    heartbeat = 1

    def __init__(self, url: str, path: str, name: str):
        self.url, self.path, self.name = url, path, name
        self.read: list[dict] = []
        self.unsent: dict[str, dict] = {}
        self.last: int | None = None
        self.asked = 0
        self.question = 0.0
        self.catching: asyncio.Task | None = None
        self.socket: ClientConnection | None = None

    async def stay(self) -> None:
        """Entre, et revient après chaque coupure, sans fin."""
        address = self.url.replace("http", "ws", 1) + quote(self.path)
        while True:
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):
                async with connect(
                    address, origin=self.url, subprotocols=["json"], proxy=None, close_timeout=1
                ) as self.socket:
                    async for text in self.socket:
                        await self.receive(json.loads(text))
            if self.socket:
                self.lost_connection()
            self.socket = None
            await asyncio.sleep(random.uniform(0.05, 0.15))

    def lost_connection(self) -> None:
        """Appelée à chaque connexion perdue."""

    async def beat(self) -> None:
        """Demande la suite à chaque battement, sans fin ; raccroche à un serveur muet."""
        while True:
            await asyncio.sleep(self.heartbeat)
            if self.question and time.monotonic() - self.question > MUTE_SECONDS and self.socket:
                self.socket.transport.abort()
            await self.catch_up()

    async def say(self, text: str) -> None:
        """Dit une phrase, ou la garde pour plus tard."""
        await self.send(self.compose(text))

    def compose(self, text: str) -> dict:
        """Met une phrase dans la boîte d'envoi, avec sa clé, et la renvoie."""
        key = f"{self.name}-{random.getrandbits(64):x}"
        self.unsent[key] = {"type": "message", "key": key, "text": text}
        return self.unsent[key]

    async def send(self, frame: dict) -> None:
        if self.socket:
            with contextlib.suppress(WebSocketException):
                # Comme la page : JSON.stringify laisse les accents.
                await self.socket.send(json.dumps(frame, ensure_ascii=False))

    async def catch_up(self) -> None:
        """Demande les derniers messages, ou la suite du dernier lu : une question à la fois."""
        if not self.question:
            self.question, self.asked = time.monotonic(), self.asked + 1
            kind = "before" if self.last is None else "after"
            await self.send({"type": kind, "number": self.last})

    async def catch_up_soon(self) -> None:
        await asyncio.sleep(random.uniform(*HOLE_SECONDS))
        await self.catch_up()

    def notice_hole(self) -> None:
        if not self.catching or self.catching.done():
            self.catching = asyncio.create_task(self.catch_up_soon())

    async def receive(self, frame: dict) -> None:
        match frame["type"]:
            case "welcome":
                self.question = 0
                await self.catch_up()
                await self.repeat()
            case "message":
                self.arrive(frame)
            case "history":
                self.question = 0
                if self.last is None:
                    self.read = frame["messages"]
                    self.last = self.read[-1]["number"] if self.read else 0
                for message in frame["messages"]:
                    # Ce qu'une réponse saute a été effacé.
                    self.last = max(self.last, message["number"] - 1)
                    self.arrive(message)
                if not frame["messages"]:
                    self.last = max(self.last, frame["last"])
                if self.last < frame["last"]:
                    await self.catch_up()
            case "refused":
                self.question = 0
                if frame["wait"]:
                    asyncio.get_running_loop().call_later(frame["wait"], self.repeat_soon)

    def repeat_soon(self) -> None:
        self.repeating = asyncio.create_task(self.repeat())

    async def repeat(self) -> None:
        """Redit tout ce dont l'écho n'est pas venu."""
        for message in [*self.unsent.values()]:
            await self.send(message)

    def arrive(self, message: dict) -> None:
        self.unsent.pop(message["key"], None)
        if self.last is None or message["number"] <= self.last:
            return
        if message["number"] > self.last + 1:
            return self.notice_hole()
        self.last += 1
        self.read.append(message)


@contextlib.asynccontextmanager
async def persistent_members(
    url: str,
    path: str,
    number: int,
    kind: Callable[[str, str, str], PersistentMember] = PersistentMember,
) -> AsyncIterator[list[PersistentMember]]:
    """Donne des membres déjà entrés, qui restent jusqu'à la fin du bloc ; `kind` en fait un.

    Lève Unanswered s'ils n'ont pas eu la réponse à leur première question en dix secondes.
    """
    members = [kind(url, path, f"m{i}") for i in range(number)]
    tasks = [asyncio.create_task(one.stay()) for one in members]
    tasks += [asyncio.create_task(one.beat()) for one in members]
    try:
        try:
            async with asyncio.timeout(ENTRANCE_SECONDS):
                while any(one.last is None for one in members):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            waiting = sum(one.last is None for one in members)
            raise Unanswered(
                f"En {ENTRANCE_SECONDS} secondes, {waiting} membres sur {number} n'ont pas eu la "
                "réponse à leur première question."
            ) from None
        yield members
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
