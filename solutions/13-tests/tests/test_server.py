import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


@pytest.fixture
def open_page(server, request):
    """Ouvre une connexion comme le fait la page, dans des salons qui ne sont qu'à ce test."""

    def open_page(room=""):
        address = f"ws://{server}/chat/{request.node.name}{room}/"
        return connect(address, origin=f"http://{server}", subprotocols=["json"], proxy=None)

    return open_page


async def say(visitor, text):
    await visitor.send(json.dumps({"type": "message", "text": text}))


async def hear(visitor):
    async with asyncio.timeout(5):
        return json.loads(await visitor.recv())


async def test_conversation(open_page):
    async with open_page() as ada, open_page() as blaise:
        for visitor in ada, blaise:
            assert (await hear(visitor))["type"] == "welcome"
        await say(ada, "bonjour")
        for visitor in ada, blaise:
            assert (await hear(visitor))["number"] == 1


async def test_elsewhere(open_page):
    async with open_page() as ada, open_page("-ailleurs") as chloe:
        for visitor in ada, chloe:
            assert (await hear(visitor))["type"] == "welcome"
        await say(ada, "bonjour")
        assert (await hear(ada))["number"] == 1
        await say(chloe, "il n'y a que moi ici")
        assert (await hear(chloe))["text"] == "il n'y a que moi ici"


async def test_huge_frame(open_page):
    async with open_page() as ada:
        await hear(ada)
        await ada.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as closed:
            await hear(ada)
        assert closed.value.rcvd.code == 1009
