"""Vingt personnes entrent par nginx, parlent, et reviennent comme la page. Ctrl-C fait le compte."""

import asyncio
import contextlib
import json
import random
import secrets
import time

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

ORIGIN = "https://127.0.0.1:8443"
ROOM = f"wss://127.0.0.1:8443/chat/foule-{secrets.token_hex(4)}/"
TOO_LONG = 3


class Person:
    def __init__(self, name):
        self.name, self.said, self.unsent = name, 0, {}
        self.socket, self.left, self.longest = None, time.monotonic(), 0

    async def stay(self):
        failures = 0
        while True:
            with contextlib.suppress(OSError, WebSocketException):
                async with connect(ROOM, origin=ORIGIN, subprotocols=["json"]) as self.socket:
                    failures = 0
                    async for text in self.socket:
                        await self.receive(json.loads(text))
            if self.socket:
                self.socket, self.left = None, time.monotonic()
            await asyncio.sleep(min(30, 2**failures) * random.uniform(0.5, 1))
            failures += 1

    async def receive(self, frame):
        if frame["type"] == "welcome":
            self.longest = max(self.longest, time.monotonic() - self.left)
            for said in [*self.unsent.values()]:
                await self.send(said)
        elif frame["type"] == "message":
            self.unsent.pop(frame["key"], None)

    async def talk(self):
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5))
            self.said += 1
            key = f"{self.name}-{self.said}"
            self.unsent[key] = {"type": "message", "key": key, "text": f"phrase {key}"}
            await self.send(self.unsent[key])

    async def send(self, frame):
        with contextlib.suppress(WebSocketException):
            if self.socket:
                await self.socket.send(json.dumps(frame))

    def is_late(self):
        return max(self.longest, 0 if self.socket else time.monotonic() - self.left) > TOO_LONG


async def live(people):
    print("Vingt personnes parlent.", flush=True)
    await asyncio.gather(*(task for one in people for task in (one.stay(), one.talk())))


async def kept():
    """Renvoie la clé de chaque message que le salon a gardé."""
    found, last = [], 0
    # Sans passer par nginx, qui n'ouvre peut-être pas.
    room = ROOM.replace("wss", "ws").replace("8443", "8000")
    async with connect(room, origin="http://127.0.0.1:8000", subprotocols=["json"]) as socket:
        await socket.recv()
        while True:
            await socket.send(json.dumps({"type": "after", "number": last}))
            if not (page := json.loads(await socket.recv())["messages"]):
                return found
            found += [one["key"] for one in page]
            last = page[-1]["number"]


def main():
    people = [Person(f"p{rank}") for rank in range(20)]
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(live(people))
    found = asyncio.run(kept())
    heard = {
        f"{one.name}-{rank}" for one in people for rank in range(1, one.said + 1)
    } - {key for one in people for key in one.unsent}
    print(f"{sum(one.said for one in people)} phrases dites.")
    print(f"Perdues : {len(heard - {*found})}. En double : {len(found) - len({*found})}.")
    late = sum(one.is_late() for one in people)
    print(f"Dehors plus de {TOO_LONG} secondes :", f"{late} sur 20." if late else "personne.")


main()
