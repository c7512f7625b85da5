import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


@pytest.fixture
def connect_to(server, request):
    """Donne de quoi ouvrir une connexion, comme la page, dans des salons à ce seul test."""

    def connect_to_room(room=""):
        address = f"ws://{server}/chat/{request.node.name}{room}/"
        return connect(address, origin=f"http://{server}", subprotocols=["json"], proxy=None)

    return connect_to_room


async def say(visitor, text):
    await visitor.send(json.dumps({"type": "message", "text": text}))


async def hear(visitor):
    async with asyncio.timeout(5):
        return json.loads(await visitor.recv())


async def test_conversation(connect_to):
    async with connect_to() as ada, connect_to() as blaise:
        for visitor in ada, blaise:
            assert (await hear(visitor))["type"] == "welcome"
        await say(ada, "bonjour")
        for visitor in ada, blaise:
            assert (await hear(visitor))["number"] == 1


async def test_elsewhere(connect_to):
    async with connect_to() as ada, connect_to("-ailleurs") as chloe:
        for visitor in ada, chloe:
            assert (await hear(visitor))["type"] == "welcome"
        await say(ada, "bonjour")
        assert (await hear(ada))["number"] == 1
        await say(chloe, "il n'y a que moi ici")
        assert (await hear(chloe))["text"] == "il n'y a que moi ici"


async def test_huge_frame(connect_to):
    async with connect_to() as ada:
        await hear(ada)
        await ada.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as closed:
            await hear(ada)
        assert closed.value.rcvd.code == 1009
