"""Malmène le chat de ce projet, et dit comment il le prend : « python abus.py trames »."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

ROOM = "ws://127.0.0.1:8000/chat/abus/"
PAGE = "http://127.0.0.1:8000"


def enter(origin=PAGE):
    options = {"subprotocols": ["json"], "proxy": None, "max_queue": None, "close_timeout": 2}
    return connect(ROOM, origin=origin, **options)


def message(text, key=None):
    return json.dumps({"type": "message", "key": key, "text": text})


async def answer(ws, frame=None):
    """Dit une trame, s'il y en a une ; renvoie ce que répond le chat."""
    try:
        if frame is not None:
            await ws.send(frame)
        said = json.loads(await asyncio.wait_for(ws.recv(), 3))
    except ConnectionClosed:
        return f"fermé, code {ws.close_code}"
    except TimeoutError:
        return "silence"
    return said.get("reason", "accepté")


async def trames():
    frames = {
        "du texte": "salut",
        "une liste": "[]",
        "une demande inconnue": '{"type": "danse"}',
        "un nombre en lettres": '{"type": "after", "number": "dix"}',
        "des octets": b"\0\1",
        "un texte trop long": message("x" * 10_001, "une-cle"),
    }
    for name, frame in frames.items():
        async with enter() as ws:
            await ws.recv()
            print(name, ":", await answer(ws, frame))


async def origines():
    for origin in PAGE, "http://127.0.0.1:8001", "http://exemple.fr":
        try:
            async with enter(origin):
                print(origin, ": 101")
        except InvalidStatus as refusal:
            print(origin, ": HTTP", refusal.response.status_code)


async def deluge():
    async with enter() as ws:
        await ws.recv()
        for i in range(1000):
            await ws.send(message(f"déluge {i}"))
        answers = {}
        while sum(answers.values()) < 1000 and not any("fermé" in said for said in answers):
            said = await answer(ws)
            if said not in answers:
                print(said)
            answers[said] = answers.get(said, 0) + 1


async def enorme():
    for name, size in ("un mégaoctet", 1_000_000), ("dix mégaoctets", 10_000_000):
        async with enter() as ws:
            await ws.recv()
            print(name, ":", await answer(ws, "x" * size))


async def foule():
    doors = [await enter() for _ in range(220)]
    for said in dict.fromkeys([await answer(ws) for ws in doors]):
        print(said)
    print("la dernière :", await answer(doors[-1], message("je suis là")))
    await asyncio.gather(*(ws.close() for ws in doors))


asyncio.run(globals()[sys.argv[1]]())
