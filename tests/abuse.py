"""Malmène un chat pendant que trente personnes s'y parlent, et mesure ce qu'il leur en coûte.

`python -m tests.abuse [SECONDES]` affiche ce que mesure test_abuse.py. Chacun vient de sa propre
adresse de la boucle locale, que seul Linux connaît sans réglage ; rien ne sort de la machine.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from workshop.basics import ROOT
from workshop.chapters.steps import find_step
from workshop.project.files import copy_project
from workshop.project.serving import Server

ROOM = "poneys"
PEOPLE = 30
MESSAGES_PER_SECOND = 4
MALFORMED = (
    *("salut", "[]", "{}", "null", "3", '{"type":"message","text":3}', '{"type":"after"}'),
    *('{"type":"after","number":true}', '{"type":"after","number":1e99}', "[" * 50_000),
    *('{"type":"message","text":"\\ud800"}', '{"type":"message","key":[],"text":"a"}'),
)


def entering(url: str, room: str, address: str) -> connect:
    """Renvoie de quoi entrer dans un salon depuis une adresse de la boucle locale."""
    return connect(
        f"{url.replace('http', 'ws', 1)}/chat/{room}/",
        origin=url,
        subprotocols=["json"],
        proxy=None,
        compression=None,
        max_queue=None,
        ping_interval=None,
        open_timeout=30,
        close_timeout=1,
        local_addr=(address, 0),
    )


class Person:
    """Quelqu'un qui fait ce que fait la page : devant un trou, il demande ce qui lui manque."""

    def __init__(self, ws: ClientConnection, sent: dict[str, float]):
        self.ws, self.sent = ws, sent
        self.last, self.asking = 0, False
        self.heard, self.delays = Counter(), []

    async def listen(self) -> None:
        async for text in self.ws:
            frame = json.loads(text)
            if frame["type"] == "message":
                await self.arrive(frame)
            elif frame["type"] == "history":
                self.asking = False
                for message in frame["messages"]:
                    await self.arrive(message)

    async def arrive(self, message: dict) -> None:
        if message["number"] > self.last + 1:
            await self.catch_up()
        elif message["number"] == self.last + 1:
            self.last += 1
            if message["key"] in self.sent:
                self.heard[message["key"]] += 1
                self.delays.append(time.monotonic() - self.sent[message["key"]])

    async def catch_up(self) -> None:
        if not self.asking:
            self.asking = True
            await self.ws.send(json.dumps({"type": "after", "number": self.last}))

    async def say(self, key: str) -> None:
        self.sent[key] = time.monotonic()
        frame = {"type": "message", "key": key, "text": f"message {len(self.sent)}"}
        await self.ws.send(json.dumps(frame))


class Room:
    """Trente personnes honnêtes, de trois adresses, le temps d'un bloc `async with`."""

    def __init__(self, url: str):
        self.url, self.sent = url, {}

    async def __aenter__(self) -> "Room":
        addresses = (f"127.0.0.{2 + i % 3}" for i in range(PEOPLE))
        self.people = [
            Person(await entering(self.url, ROOM, address), self.sent) for address in addresses
        ]
        self.listening = [asyncio.ensure_future(person.listen()) for person in self.people]
        return self

    async def __aexit__(self, *_) -> None:
        for person, listening in zip(self.people, self.listening, strict=True):
            listening.cancel()
            person.ws.transport.abort()

    async def talk(self, seconds: float) -> float:
        """Parle, attend que tout soit arrivé partout, et renvoie le délai médian en secondes."""
        for person in self.people:
            person.delays.clear()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await random.choice(self.people).say(random.randbytes(8).hex())
            await asyncio.sleep(1 / MESSAGES_PER_SECOND)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(15):
                while any(person.heard.keys() != self.sent.keys() for person in self.people):
                    for person in self.people:
                        await person.catch_up()
                    await asyncio.sleep(0.2)
        return statistics.median(delay for person in self.people for delay in person.delays)


class Abuse:
    """Les mauvais traitements. `answers` compte ce que le serveur leur répond."""

    def __init__(self, url: str):
        self.url, self.answers = url, Counter()

    async def inflict(self, seconds: float) -> None:
        """Les inflige tous à la fois, chacun de son adresse, pendant ce temps."""
        rooms = itertools.cycle(f"salon-{i}" for i in range(1000))
        here, crowd = itertools.repeat(ROOM), itertools.repeat("foule")
        clients = [
            self.again(self.malformed, "127.0.0.61", here),
            self.again(self.binary, "127.0.0.62", here),
            self.again(self.big, "127.0.0.63", here),
            self.again(self.flood, "127.0.0.64", here),
            *(self.again(self.stay, "127.0.0.65", crowd, (10, 20), 1) for _ in range(500)),
            *(self.again(self.wander, "127.0.0.66", rooms, (0.05, 0.05)) for _ in range(8)),
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*clients)

    async def again(self, abuse, address: str, rooms, pause=(0, 0), patience=0.05) -> None:
        """Recommence de salon en salon : dès que le serveur raccroche, coupe et revient.

        `pause` : entre combien et combien de secondes avant de revenir ; `patience` : au plus
        combien de secondes pour remarquer l'adieu du serveur.
        """
        for room in rooms:
            try:
                async with entering(self.url, room, address) as ws:
                    abusing = asyncio.ensure_future(self.inflict_one(abuse, ws))
                    await self.listen(abuse.__name__, ws, patience)
                    abusing.cancel()
                    ws.transport.abort()
                await asyncio.sleep(random.uniform(*pause))
            except (InvalidHandshake, InvalidMessage, OSError) as error:
                self.answers[abuse.__name__, type(error).__name__] += 1

    async def inflict_one(self, abuse, ws: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            await abuse(ws)

    async def listen(self, name: str, ws: ClientConnection, patience: float) -> None:
        """Compte ce que l'on entend, jusqu'à l'adieu du serveur."""
        while not ws.protocol.close_rcvd:
            try:
                async with asyncio.timeout(patience):
                    self.answers[name, json.loads(await ws.recv())["type"]] += 1
            except TimeoutError:
                pass
            except ConnectionClosed:
                break
        goodbye = ws.protocol.close_rcvd
        self.answers[name, str(goodbye.code if goodbye else 1006)] += 1

    async def malformed(self, ws):
        while True:
            await ws.send(random.choice(MALFORMED))
            self.answers["malformed", "envoyés"] += 1
            await asyncio.sleep(0.01)

    async def binary(self, ws):
        while True:
            await ws.send(random.randbytes(100))
            self.answers["binary", "envoyés"] += 1
            await asyncio.sleep(0.01)

    async def big(self, ws):
        self.answers["big", "envoyés"] += 1
        await ws.send("x" * 10_000_000)

    async def flood(self, ws):
        began = time.monotonic()
        for i in itertools.count():
            await ws.send('{"type":"message","key":null,"text":"spam"}')
            self.answers["flood", "envoyés"] += 1
            await asyncio.sleep(max(0, began + i / 1000 - time.monotonic()))

    async def stay(self, ws):
        pass

    async def wander(self, ws):
        await ws.send('{"type":"message","key":null,"text":"spam"}')
        await asyncio.sleep(0.1)
        await ws.close()


@dataclass
class Measure:
    """Ce que coûte l'abus : délais médians en secondes, mémoire du serveur en mégaoctets.

    `starved` est la part du temps où le serveur attendait que la machine, occupée ailleurs, lui
    donne un processeur : au-delà d'un dixième, les délais ne disent plus rien de lui.
    """

    quiet: float
    abused: float
    starved: float
    before: int
    peak: int
    after: int
    said: int
    lost: int
    twice: int
    traces: int
    answers: dict[str, int]


async def measure(server: Server, seconds: float) -> Measure:
    """Mesure une salle au calme, puis la même pendant que l'on malmène le serveur."""
    process = psutil.Process(server.process.pid)

    def memory() -> int:
        return process.memory_info().rss // 1_000_000

    def waited() -> float:
        return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[1]) / 1e9

    async with Room(server.url) as room:
        await room.talk(1)
        quiet, before = await room.talk(min(seconds, 15)), memory()
        command = [sys.executable, "-m", "tests.abuse", server.url, str(seconds)]
        abuse = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
        talking, peak = asyncio.ensure_future(room.talk(seconds)), before
        began, waited_before = time.monotonic(), waited()
        while not talking.done():
            peak = max(peak, memory())
            await asyncio.sleep(0.1)
        answers = json.loads(abuse.communicate()[0])
        said, heard = set(room.sent), [person.heard for person in room.people]
        return Measure(
            quiet,
            talking.result(),
            (waited() - waited_before) / (time.monotonic() - began),
            before,
            peak,
            memory(),
            said=len(said),
            lost=sum(len(said - one.keys()) for one in heard),
            twice=sum(count > 1 for one in heard for count in one.values()),
            traces=server.log.count("Traceback"),
            answers=answers,
        )


def measured(seconds: float) -> Measure:
    """Mesure la solution de l'étape 12, sur une copie."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        project = Path(folder) / "live"
        copy_project(find_step("12").solution, project)
        with Server(project) as server:
            return asyncio.run(measure(server, seconds))


def main(*arguments: str) -> None:
    if len(arguments) < 2:
        found = measured(float(arguments[0]) if arguments else 60)
        for name, value in vars(found).items():
            print(f"{name} : {value}")
        return
    # Qui abuse est d'ordinaire sur une autre machine : qu'il ne prenne pas le temps de celle-ci.
    os.nice(5)
    abuse = Abuse(arguments[0])
    asyncio.run(abuse.inflict(float(arguments[1])))
    counts = sorted(abuse.answers.items())
    print(json.dumps({f"{name} {answer}": count for (name, answer), count in counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
