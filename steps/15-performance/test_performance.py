"""Étape 15 : livrer pour peu, et n'attendre personne."""

import asyncio
import json
import socket
import statistics
import time

import pytest
from websockets.asyncio.client import connect

from workshop.basics import ROOT
from workshop.bench.entrants import known
from workshop.project.serving import Server, require_no_exception
from workshop.system.processes import Consumption
from workshop.visitors.histories import until
from workshop.visitors.persistent import PersistentMember, persistent_members

PEOPLE, BURST = 30, 500
SILENCE_SECONDS = 5
# De quoi remplir prise et boîte : Linux prend 1,6 Mo pour qui ne lit pas ; ceci en fait 3,4.
LONG, AT_ONCE, HEAVY = 960, 40, "🐴" * 900
LISTENERS, SAID, TIMES_LESS = 80, 20, 3


class Listener(PersistentMember):
    """Une page qui ne demande rien : elle n'a que ce qui vient en direct."""

    async def catch_up(self):
        if self.last is None:
            await super().catch_up()

    def notice_hole(self):
        pass


async def fewest_read(members, expected):
    """Attend que tous aient lu autant de messages, ou un silence ; renvoie le moins qu'on a lu."""
    total, since = -1, time.monotonic()
    while time.monotonic() < since + SILENCE_SECONDS:
        if total != (total := sum(len(one.read) for one in members)):
            since = time.monotonic()
        if total == expected * len(members):
            break
        await asyncio.sleep(0.05)
    return min(len(one.read) for one in members)


async def test_burst(server):
    """Une rafale de cinq cents messages vient en direct, entière, à trente personnes"""
    async with persistent_members(server.url, "/chat/rafale/", PEOPLE, Listener) as members:
        for number in range(BURST):
            await members[number % PEOPLE].say(f"phrase {number}")
        fewest = await fewest_read(members, BURST)
        if fewest < BURST:
            pytest.fail(
                f"D'une rafale de {BURST} messages, quelqu'un n'en a entendu en direct "
                f"que {fewest}."
            )


class Stalled:
    """Quelqu'un qui entre, et ne lit plus. Sa prise est aussi petite que le système le permet."""

    def __init__(self, server, path):
        self.server, self.path = server, path

    async def __aenter__(self):
        tiny = socket.socket()
        tiny.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        tiny.connect(("127.0.0.1", self.server.port))
        tiny.setblocking(False)
        address = self.server.url.replace("http", "ws", 1) + self.path
        more = {"origin": self.server.url, "subprotocols": ["json"], "proxy": None}
        self.ws = await connect(
            address, sock=tiny, max_queue=1, compression=None, ping_interval=None, **more
        )
        await self.ws.recv()
        self.ws.transport.pause_reading()
        return self

    async def __aexit__(self, *error):
        self.ws.transport.abort()

    async def reads(self, number):
        """Relit jusqu'à ce message, ou jusqu'au silence ; renvoie les numéros lus."""
        self.ws.transport.resume_reading()
        found = []
        while number not in found:
            try:
                frame = json.loads(await asyncio.wait_for(self.ws.recv(), SILENCE_SECONDS))
            except TimeoutError:
                break
            if frame["type"] == "message":
                found.append(frame["number"])
        return found


@pytest.fixture
def rested(project, python):
    """Un serveur à ce test seul, dont les limites n'ont encore rien compté."""
    with Server(project, python) as running:
        yield running
        require_no_exception(running)


async def test_stalled(rested):
    """Qui cesse de lire ne retient personne, et reçoit tout quand il lit de nouveau"""
    server, path = rested, "/chat/bouchon/"
    async with (
        persistent_members(server.url, path, PEOPLE) as members,
        Stalled(server, path) as slow,
    ):
        for number in range(1, LONG + 1):
            await members[number % PEOPLE].say(f"{number} {HEAVY}")
            # Au pas de ceux qui lisent : eux ne sont jamais en retard.
            if number % AT_ONCE:
                continue
            fewest = await fewest_read(members, number)
            if fewest < number:
                pytest.fail(
                    f"Quelqu'un ne lit plus, et les autres l'attendent : sur {number} messages, "
                    f"l'un d'eux n'en a reçu que {fewest}."
                )
        found = await slow.reads(LONG)
        if found != [*range(1, LONG + 1)]:
            missing = sorted({*range(1, LONG + 1)} - {*found})
            trouble = f"il manque le {missing[0]}" if missing else "ils sont en désordre"
            pytest.fail(
                f"Qui lit de nouveau doit recevoir les {LONG} messages, dans l'ordre, sans rien "
                f"demander. Il en reçoit {len(found)} : {trouble}."
            )


async def cost(server, is_ours):
    """Renvoie le processeur que prend un serveur pour livrer un message, en microsecondes."""
    consumption = Consumption(server.process.pid)
    heard, path = [], f"/chat/prix-{time.monotonic_ns()}/"
    address = server.url.replace("http", "ws", 1) + path
    options = {"origin": server.url, "proxy": None, "compression": None}
    if is_ours:
        options["subprotocols"] = ["json"]
    people = [await connect(address, **options) for _ in range(LISTENERS)]

    async def listen(ws):
        async for text in ws:
            if "poney" in text:
                heard.append(text)

    listening = [asyncio.create_task(listen(ws)) for ws in people]
    await asyncio.sleep(0.3)
    before = consumption.seconds()
    for number in range(SAID):
        text = f"un poney, {number}"
        frame = {"type": "message", "key": None, "text": text} if is_ours else {"message": text}
        await people[number].send(json.dumps(frame))
        await until(lambda wanted=(number - 5) * LISTENERS: len(heard) >= wanted, 10)
    await until(lambda: len(heard) >= SAID * LISTENERS, 10)
    spent = consumption.seconds() - before
    for task, ws in zip(listening, people, strict=True):
        task.cancel()
        ws.transport.abort()
    assert len(heard) == SAID * LISTENERS, f"{len(heard)} messages livrés, sur {SAID * LISTENERS}."
    return spent / len(heard) * 1e6


async def test_cost(rested):
    """Un message livré coûte trois fois moins de processeur que dans un chat de tutoriel"""
    with known()[0].server(ROOT) as tutorial:
        ratios = []
        for _ in range(3):
            ours = await cost(rested, is_ours=True)
            ratios.append(await cost(tutorial, is_ours=False) / ours)
        found = statistics.median(ratios)
    if found < TIMES_LESS:
        pytest.fail(
            f"Dans un salon de {LISTENERS} personnes, votre chat livre un message pour "
            f"{'autant de' if found < 1.2 else f'{found:.1f} fois moins de'} processeur qu'un chat "
            f"de tutoriel ; attendu : {TIMES_LESS} fois moins."
        )
