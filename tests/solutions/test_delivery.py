"""La promesse de l'étape 10, en vrai grandeur, et ce qu'elle coûte à la base."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from functools import partial

import pytest
from websockets.asyncio.client import connect

from workshop.chapters.steps import find_step
from workshop.project.files import copy_project
from workshop.project.serving import Server, require_no_exception
from workshop.system.processes import project_environment
from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.checker import (
    History,
    RecordedMember,
    provoke,
    require_right,
    until_it_bites,
)
from workshop.visitors.persistent import PersistentMember, persistent_members
from workshop.visitors.visiting import PageVisitor

SOLUTION = find_step("10").solution
PEOPLE, MESSAGES = 30, 1000

# Ce que coûtent, en requêtes et en secondes, un message et une entrée, selon le salon.
COSTS = """
import asyncio, json, statistics, sys, time
import django
django.setup()
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connection
from chat.models import Message, Room
from live.asgi import application

@database_sync_to_async
def queries():
    return [query["sql"] for query in connection.queries_log]

async def cost(speaker, frame, kind):
    before = len(await queries())
    began = time.perf_counter()
    await speaker.send_json_to(frame)
    while (await speaker.receive_json_from(timeout=10))["type"] != kind:
        pass
    seconds = time.perf_counter() - began
    return len(await queries()) - before, seconds

async def measure(size, people):
    room = f"salon-{size}-{people}"
    await database_sync_to_async(Room.objects.create)(name=room, last=size)
    await database_sync_to_async(Message.objects.bulk_create)(
        [Message(room=room, number=n, name="Ada", text=f"phrase {n}") for n in range(1, size + 1)]
    )
    headers = [(b"origin", b"http://localhost"), (b"host", b"localhost")]
    members = [
        WebsocketCommunicator(application, f"/chat/{room}/", headers, ["json"])
        for _ in range(people)
    ]
    for member in members:
        assert (await member.connect())[0]
        await member.receive_json_from()
    said = [
        await cost(members[0], {"type": "message", "key": f"k{n}", "text": "x"}, "message")
        for n in range(10)
    ]
    asked = [
        await cost(members[0], {"type": "before", "number": None}, "history") for _ in range(10)
    ]
    for member in members:
        await member.disconnect()
    return {"message": summary(said), "entrance": summary(asked)}

def summary(costs):
    counts, seconds = zip(*costs)
    return {"queries": max(counts), "seconds": statistics.median(seconds)}

async def main():
    found = {f"{size}, {people}": await measure(size, people) for size, people in SIZES}
    print(json.dumps(found))

SIZES = json.loads(sys.argv[1])
asyncio.run(main())
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "live"
    copy_project(SOLUTION, folder)
    return folder


def manage(project, *arguments, **more):
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=project, env=project_environment() | more
    )


def test_the_cost_of_a_message_and_of_an_entrance_is_bounded(project):
    environment = project_environment() | {"DJANGO_SETTINGS_MODULE": "live.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=project, check=True)
    sizes = [(100, 1), (100, 30), (100_000, 1)]
    done = subprocess.run(
        [sys.executable, "-c", COSTS, json.dumps(sizes)],
        cwd=project,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(found)
    small, crowded, big = found.values()
    for name, most in ("message", 6), ("entrance", 2):
        assert small[name]["queries"] == crowded[name]["queries"] == big[name]["queries"]
        assert small[name]["queries"] <= most
        assert big[name]["seconds"] < 3 * small[name]["seconds"] + 0.005


def test_two_writers_leave_no_hole(project):
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=project, check=True)
    write = (
        "from asgiref.sync import async_to_sync; from chat.history import keep;"
        "[async_to_sync(keep)('course', 'Ada', str(n)) for n in range(200)]"
    )
    writers = [manage(project, "manage.py", "shell", "-v", "0", "-c", write) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    read = "print([*Message.objects.values_list('number', flat=True)] == [*range(1, 401)])"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", read],
        cwd=project,
        env=project_environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout == "True\n"


@contextlib.asynccontextmanager
async def stopped_reader(server):
    """Quelqu'un qui est entré et ne lit plus : rien ne part de sa prise."""
    address = server.url.replace("http", "ws") + "/chat/foule/"
    async with connect(
        address, origin=server.url, subprotocols=["json"], proxy=None, max_queue=1
    ) as ws:
        ws.transport.pause_reading()
        yield
        ws.transport.abort()


async def burst(members, pause=0.0):
    """Tous parlent, à tour de rôle ; renvoie ce qui s'est dit."""
    said = []
    for number in range(MESSAGES):
        said.append(f"phrase {number}")
        await members[number % len(members)].say(said[-1])
        await asyncio.sleep(pause)
    return said


async def settle(members, seconds):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if all(len(one.read) >= MESSAGES and not one.unsent for one in members):
            break
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def assert_same_history(members, said):
    story = [(one["number"], one["text"]) for one in members[0].read]
    assert [number for number, _ in story] == [*range(1, MESSAGES + 1)]
    assert sorted(text for _, text in story) == sorted(said)
    for one in members:
        assert [(message["number"], message["text"]) for message in one.read] == story


async def test_a_burst_to_thirty_people_and_a_stopped_reader(project):
    with Server(project) as server:
        async with (
            persistent_members(server.url, "/chat/foule/", PEOPLE) as members,
            stopped_reader(server),
        ):
            began = time.monotonic()
            said = await burst(members)
            await settle(members, 240)
            seconds, asked = time.monotonic() - began, sum(one.asked for one in members)
            print(f"{MESSAGES} messages, {PEOPLE} personnes : {seconds:.1f} s, {asked} questions")
            assert_same_history(members, said)
        require_no_exception(server)


async def test_a_server_killed_under_load(project):
    async def attempt():
        found = History()
        kind = partial(RecordedMember, history=found)
        with Server(project) as server:
            path = f"/chat/foule-{server.port}/"
            async with persistent_members(server.url, path, PEOPLE, kind) as members:
                talking = asyncio.create_task(burst(members, pause=0.004))
                for _ in range(2):
                    await asyncio.sleep(1.5)
                    await provoke(found, "serveur tué", server.restart)
                await talking
                await settle(members, 240)
        return found

    found = await until_it_bites(attempt)
    print(*found.bites())
    require_right(found)


class Incurious(PersistentMember):
    """Elle ne demande rien : ni à un trou, ni à un battement."""

    def notice_hole(self):
        pass

    async def beat(self):
        pass


async def test_who_never_asks_loses_messages(project):
    with Server(project) as server:
        async with persistent_members(server.url, "/chat/foule/", PEOPLE, Incurious) as members:
            await burst(members)
            await asyncio.sleep(5)
            assert min(len(one.read) for one in members) < MESSAGES


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_leaves_a_mute_server(opened, project):
    with Server(project) as server:
        async with BadNetwork(server.url) as network:
            page = await opened.page()
            await PageVisitor(page).hurry(10)
            await page.goto(f"{network.url}/chat/poneys/")
            await page.wait_for("document.body.innerText.includes('Bienvenue')")
            network.mute = True
            # Un battement, sa question sans réponse cinq secondes, et le battement d'après.
            await page.wait_for("!document.body.innerText.includes('Bienvenue')", 15)
            network.mute = False
            await page.wait_for("document.body.innerText.includes('Bienvenue')", 15)
            assert page.errors == []
