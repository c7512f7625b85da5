"""La boîte d'envoi du chapitre 15 : bornée, dans l'ordre, et qui rend tout à qui est en retard."""

import asyncio
import importlib.util
import random

import pytest

from workshop.chapters.steps import find_step

MODULE = find_step("15").solution / "chat" / "outbox.py"


@pytest.fixture
def outboxes():
    spec = importlib.util.spec_from_file_location("outbox_of_15", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Socket:
    """Une prise de dix trames, que l'on vide quand on veut ; l'histoire a tout."""

    def __init__(self, outboxes, told=True):
        self.got, self.room, self.asked, self.most = [], 0, 0, 0
        self.open = asyncio.Event()
        self.open.set()
        outboxes.writable.set(self.open if told else None)
        self.outbox = outboxes.Outbox(self.send, self.read_after)

    async def send(self, frame):
        await self.open.wait()
        self.got.append(frame)
        if len(self.got) % 10 == 0:
            self.open.clear()

    async def read_after(self, number):
        self.asked += 1
        await asyncio.sleep(0)
        return [(one, one) for one in range(number + 1, min(number + 50, self.room) + 1)]

    async def hear(self, number):
        self.room = number
        await self.outbox.put(number, number)
        self.most = max(self.most, len(self.outbox.waiting))


async def rest():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("told", [True, False], ids=["on sait s'il lit", "on ne le sait pas"])
async def test_who_reads_again_gets_everything_once_in_order(outboxes, told):
    late = 0
    for seed in range(20):
        chance, one = random.Random(seed), Socket(outboxes, told)
        for number in range(1, 1001):
            await one.hear(number)
            if chance.random() < 0.3:
                await rest()
            if chance.random() < 0.06:
                one.open.set()
        while len(one.got) < 1000:
            before = len(one.got)
            one.open.set()
            await rest()
            assert len(one.got) > before or one.outbox.emptying
        assert one.got == [*range(1, 1001)]
        assert one.most <= outboxes.LONGEST_OUTBOX
        late += one.asked > 0
    # Sinon, on n'a rien vu.
    assert late > 10


async def test_nobody_waits_for_who_does_not_read(outboxes):
    slow, other = Socket(outboxes), Socket(outboxes)
    async with asyncio.timeout(5):
        for number in range(1, 1001):
            other.open.set()
            for one in (slow, other):
                await one.hear(number)
            await asyncio.sleep(0)
    assert len(slow.got) == 10
    assert slow.outbox.is_late and not slow.outbox.waiting
    other.open.set()
    await rest()
    assert other.got == [*range(1, 1001)]
    slow.outbox.close()


async def test_who_left_costs_nothing_more(outboxes):
    one = Socket(outboxes)

    async def gone(frame):
        raise OSError

    one.outbox.send = gone
    await one.hear(1)
    await one.hear(2)
    assert one.outbox.is_closed and not one.outbox.waiting
