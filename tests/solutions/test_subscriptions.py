"""Les inscriptions du chapitre 15, quand Redis s'en va au mauvais moment."""

import subprocess
import sys
import textwrap

import pytest

from workshop.basics import ROOT
from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project
from workshop.system.processes import project_environment

STEPS = [step for step in all_steps() if step.number >= 15]
# Le projet et son Redis dans un même programme : une scène le coupe où elle veut.
PROGRAM = """
import asyncio, gc, os, weakref

import django
from workshop.system.redis_server import RedisServer


class Member:
    json = True

    def __init__(self):
        self.outbox = outbox.Outbox(None, None)


def room():
    return subscriptions.find(subscriptions.Room, "essai")


def known():
    return [*layer._get_layer().channels, *layer._get_layer().groups]


async def is_refused(member):
    try:
        await room().join(member)
    except RedisError:
        return True


async def settle(condition):
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0.02)


with RedisServer() as redis:
    os.environ |= {"REDIS_URL": redis.url, "DJANGO_SETTINGS_MODULE": "live.settings"}
    django.setup()
    from channels.layers import get_channel_layer
    from chat import outbox, relay, subscriptions
    from redis import RedisError

    layer = get_channel_layer()
    asyncio.run(scene())
"""


@pytest.fixture(params=STEPS, ids=[step.slug for step in STEPS])
def play(request, tmp_path):
    """Joue une scène, le texte d'une coroutine, dans la solution d'une étape."""
    project = tmp_path / "live"
    copy_project(request.param.solution, project)

    def run(scene):
        text = "async def scene():\n" + textwrap.indent(textwrap.dedent(scene), "    ") + PROGRAM
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=project,
            env=project_environment() | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert done.returncode == 0, done.stderr

    return run


def test_who_comes_once_redis_is_back_enters(play):
    play("""
        first, second = Member(), Member()
        redis.kill()
        assert await is_refused(first)
        redis.start()
        # Le premier n'est pas encore parti.
        assert not await is_refused(second)
        first.here = room()
        assert first.here.listening
    """)


def test_a_room_that_cannot_be_joined_keeps_no_channel(play):
    play("""
        add, one = layer.group_add, Member()

        async def cut(*arguments):
            redis.kill()
            # Le temps que la couche voie sa connexion fermée.
            await asyncio.sleep(0.5)
            await add(*arguments)

        layer.group_add = cut
        assert await is_refused(one)
        room().leave(one)
        await settle(lambda: not known())
        assert not known(), known()
    """)


def test_who_is_refused_while_others_talk_without_redis_costs_nothing(play):
    play("""
        async def talk():
            while True:
                await relay.announce("essai", {"type": "rien"})
                await asyncio.sleep(0.01)

        redis.kill()
        talking = asyncio.create_task(talk())
        await asyncio.sleep(0.5)
        for _ in range(5):
            one = Member()
            assert await is_refused(one)
            room().leave(one)
        talking.cancel()
        # Entre la fin d'une absence et la suivante, un essai peut passer.
        assert len(known()) < 3, known()
    """)


def test_who_enters_just_after_redis_came_back_is_let_in(play):
    play("""
        redis.kill()
        assert not await relay.announce("essai", {"type": "rien"})
        redis.start()
        assert not await is_refused(Member())
    """)


def test_a_room_that_all_left_at_once_keeps_no_channel(play):
    play("""
        one, here = Member(), room()
        joining = asyncio.create_task(here.join(one))
        await asyncio.sleep(0)
        joining.cancel()
        here.leave(one)
        await here.subscribing
        await settle(lambda: not known())
        assert not known(), known()
    """)


def test_who_left_is_forgotten_though_the_room_lives(play):
    play("""
        class Line:
            pass

        async def visit(line):
            outbox.current_line.set(line)
            one = Member()
            await room().join(one)
            return one

        line = Line()
        first = await asyncio.create_task(visit(line))
        line = weakref.ref(line)
        other = Member()
        await room().join(other)
        room().leave(first)
        del first
        await asyncio.sleep(0.1)
        gc.collect()
        assert line() is None
    """)
