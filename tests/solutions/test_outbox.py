"""La boîte d'envoi du chapitre 15 : bornée, dans l'ordre, et qui rend tout à qui est en retard."""

import asyncio
import importlib.util
import random

import pytest
from django.db import DatabaseError

from workshop.chapters.steps import find_step

MODULE = find_step("15").solution / "chat" / "outbox.py"


@pytest.fixture
def outboxes():
    spec = importlib.util.spec_from_file_location("outbox_of_15", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Socket:
    """Une prise de dix trames, que l'on vide quand on veut ; l'histoire a tout."""

    def __init__(self, outboxes, has_line=True):
        self.got, self.closed, self.room, self.asked, self.most = [], None, 0, 0, 0
        self.writable = asyncio.Event()
        self.writable.set()
        outboxes.line.set(self if has_line else None)
        self.outbox = outboxes.Outbox(self.send, self.read_after)

    def write_now(self, batch):
        if not self.writable.is_set():
            return False
        for _, text in batch:
            self.take(text)
        return True

    async def send(self, frame):
        if frame["type"] == "websocket.close":
            self.closed = frame["code"]
            return
        await self.writable.wait()
        self.take(frame["text"])

    def take(self, text):
        self.got.append(int(text))
        if len(self.got) % 10 == 0:
            self.writable.clear()

    async def read_after(self, number):
        self.asked += 1
        await asyncio.sleep(0)
        return [(one, str(one)) for one in range(number + 1, min(number + 50, self.room) + 1)]

    def hear(self, *numbers):
        self.room = numbers[-1]
        self.outbox.put([(one, str(one)) for one in numbers])
        self.most = max(self.most, len(self.outbox.waiting))


async def rest():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("has_line", [True, False], ids=["avec une ligne", "sans ligne"])
async def test_who_reads_again_gets_everything_once_in_order(outboxes, has_line):
    late = 0
    for seed in range(20):
        chance, one, told = random.Random(seed), Socket(outboxes, has_line), 0
        while told < 1000:
            batch = range(told + 1, min(told + chance.choice((1, 1, 3, 20)), 1000) + 1)
            one.hear(*batch)
            told = batch[-1]
            if chance.random() < 0.3:
                await rest()
            if chance.random() < 0.1:
                one.writable.set()
        while one.outbox.emptying:
            one.writable.set()
            await rest()
        assert one.got == [*range(1, 1001)]
        assert one.most <= outboxes.LONGEST_OUTBOX
        late += one.asked > 0
    # Sinon, on n'a rien vu.
    assert late > 10


async def test_nobody_waits_for_who_does_not_read(outboxes):
    slow, other = Socket(outboxes), Socket(outboxes)
    for number in range(1, 1001):
        other.writable.set()
        for one in (slow, other):
            one.hear(number)
        await asyncio.sleep(0)
    assert len(slow.got) == 10
    assert slow.outbox.is_late and not slow.outbox.waiting
    other.writable.set()
    await rest()
    assert other.got == [*range(1, 1001)]
    slow.outbox.close()


async def test_who_left_costs_nothing_more(outboxes):
    one = Socket(outboxes, has_line=False)

    async def gone(frame):
        raise OSError

    one.outbox.send = gone
    one.hear(1)
    await rest()
    assert one.outbox.is_closed
    one.hear(2)
    assert not one.outbox.waiting


async def test_without_the_history_who_is_late_comes_back(outboxes):
    one = Socket(outboxes)

    async def fail(number):
        raise DatabaseError

    one.outbox.read_after = fail
    one.writable.clear()
    for number in range(1, 200):
        one.hear(number)
    assert one.outbox.is_late
    await rest()
    assert one.closed == 1011 and one.outbox.is_closed
