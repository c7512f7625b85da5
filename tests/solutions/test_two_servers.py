"""La promesse du chapitre 14, jugée sur des histoires entières, à partir du chapitre 14."""

import asyncio
import os
from contextlib import AsyncExitStack
from functools import partial
from importlib.util import find_spec

import pytest

from workshop.chapters.steps import all_steps
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.system.redis_server import RedisServer, real_redis
from workshop.visitors.checker import (
    History,
    RecordedMember,
    provoke,
    require_right,
    until_it_bites,
)
from workshop.visitors.persistent import persistent_members

PEOPLE, MESSAGES = 6, 240
# Pour les chiffres : dix de chaque panne.
TIMES = int(os.environ.get("ATELIER_FAULTS", 1))
STEPS = [step for step in all_steps() if step.number >= 14]


async def race(project, fault):
    """Deux serveurs, un Redis, deux salons, une panne en pleine conversation."""
    found, rooms = History(), ("/chat/foule/", "/chat/calme/")
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        shared = {"REDIS_URL": redis.url}
        servers = [stack.enter_context(Server(project, environment=shared)) for _ in range(2)]
        members = []
        for rank, server in enumerate(servers):
            for room in rooms:
                kind = partial(Named, prefix=f"{rank}{room[6]}", history=found)
                people = persistent_members(server.url, room, PEOPLE // 2, kind)
                members += await stack.enter_async_context(people)

        async def talk():
            for number in range(MESSAGES):
                await members[number % len(members)].say(f"phrase {number}")
                await asyncio.sleep(0.02)

        talking = asyncio.create_task(talk())
        await asyncio.sleep(1.5)
        await provoke(found, *fault(redis, servers))
        await talking
        for _ in range(300):
            await asyncio.sleep(0.1)
            if all(len(one.read) == MESSAGES // 2 and not one.unsent for one in members):
                break
    return found


class Named(RecordedMember):
    """Un membre dont le nom dit le serveur et le salon."""

    def __init__(self, url, path, name, prefix, history):
        super().__init__(url, path, prefix + name, history)


def redis_killed(redis, servers):
    def fault():
        redis.kill()
        redis.start()

    return "Redis tué", fault


def server_killed(redis, servers):
    return "serveur tué", servers[1].restart


@pytest.mark.parametrize("fault", [redis_killed, server_killed])
@pytest.mark.parametrize("step", STEPS, ids=[step.slug for step in STEPS])
async def test_nothing_lost_nothing_twice(tmp_path, step, fault):
    if not real_redis() and not find_spec("fakeredis"):
        pytest.skip("Ni Redis ni son imitation ne sont là : installez redis-server.")
    for turn in range(TIMES):
        project = tmp_path / str(turn) / "live"
        copy_project(step.solution, project)
        tries = iter(range(99))

        async def attempt(project=project, tries=tries):
            copy = project.with_name(f"essai-{next(tries)}")
            copy_project(project, copy)
            return await race(copy, fault)

        found = await until_it_bites(attempt)
        print(*found.bites())
        require_right(found)
