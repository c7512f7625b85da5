"""Une phrase, une livraison, un battement : que prend chaque pièce du chat déployé ?

`python -m tests.costs [FOIS]`, sous Linux : des microsecondes de processeur, médianes. C'est la
solution de l'étape 16, sur deux serveurs, et quatre publics :

- trente-trois salons de trente, derrière nginx : le silence, les battements, des phrases ;
- des salons où l'un parle chez un serveur, et quinze écoutent chez l'autre, puis neuf cents : une
  phrase, une réception, une livraison ;
- un chat où nginx réunit chaque salon, et où le salon répond lui-même aux battements.

Le public est un processus à part, que l'on ne compte pas. PostgreSQL n'attend pas le disque.
"""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from picows import WSMsgType

from workshop.basics import ROOT
from workshop.bench.load import Public, Race, Trouble
from workshop.chapters.steps import find_step
from workshop.project.deploying import HERE, deployed
from workshop.project.files import copy_project
from workshop.system.postgres_server import PostgresServer
from workshop.system.processes import project_environment
from workshop.system.redis_server import RedisServer

# Toutes les vingt secondes, un bail se prolonge, et uvicorn sonde : un tour entier.
TURN, SECONDS = 20, 6
SERVER, POSTGRES, REDIS, NGINX = "serveurs", "PostgreSQL", "Redis", "nginx"
NAMES = {"nginx": NGINX, "postgres": POSTGRES, "redis-server": REDIS}
# Des salons, leurs personnes, et combien de phrases par seconde.
APART = {"quinze": (20, 16, 40), "mille": (1, 901, 5)}
# Combien par seconde : de quoi occuper un serveur un tiers du temps, dans les deux cas.
BEATS, LIGHT_BEATS = 180, 600
HEARTBEAT = '{"type": "after", "number": 1000000}'
# Un salon réuni chez un serveur, et qui sait son dernier numéro : de quoi en mesurer le prix.
LIGHTER = {
    "deploy/nginx.conf": (("upstream chat {", "upstream chat {\n        hash $uri consistent;"),),
    "chat/subscriptions.py": (
        (
            "self.unkept, self.keeping = [], None",
            "self.unkept, self.keeping, self.last = [], None, 0",
        ),
    ),
    "chat/consumers.py": (
        (
            "            await self.visit.take(price)\n",
            """\
            if text_data and '"after"' in text_data:
                self.visit.own.take(price)
            else:
                await self.visit.take(price)
""",
        ),
        (
            '        elif frame["type"] == "after":\n',
            """\
        elif frame["type"] == "after" and frame["number"] >= self.here.last:
            await self.tell({"type": "history", "last": self.here.last, "messages": []})
        elif frame["type"] == "after":
""",
        ),
    ),
}
# Des paquets de cette taille, et combien.
BATCHES = ((1, 300), (16, 60), (50, 30))
KEEP = """
import asyncio, sys, time, django
django.setup()
from chat import history
async def keep(size, number):
    said = [("Anonymous troll", "x" * 60, None, None)] * size
    await history.keep(f"paquets-{size}", said)
    began = time.monotonic()
    for _ in range(number):
        await history.keep(f"paquets-{size}", said)
    return (time.monotonic() - began) / number
print(asyncio.run(keep(*map(int, sys.argv[1:]))))
"""


class Pieces:
    """Les processus d'un déploiement, descendants d'un autre, et ce qu'ils ont pris."""

    def __init__(self, pid: int):
        self.whole = psutil.Process(pid)

    def sum(self, measure) -> dict[str, float]:
        """Renvoie la somme d'une mesure, par pièce, et par serveur."""
        total = dict.fromkeys([*NAMES.values(), SERVER], 0.0)
        for one in self.whole.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = one.cmdline()
                name = NAMES.get(one.name(), SERVER if "serve.py" in words else "")
                if name:
                    found = measure(one)
                    total[name] += found
                    if name == SERVER:
                        total[words[-1]] = found
        return total

    def seconds(self) -> dict[str, float]:
        # Les deux derniers : ce qu'ont pris ses enfants disparus.
        return self.sum(lambda one: sum(one.cpu_times()[:4]))

    def memory(self) -> dict[str, float]:
        return self.sum(lambda one: one.memory_info().rss)


def less(after: dict, before: dict) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}


class Crowd:
    """Un public de plusieurs salons, et ce qu'il fait prendre à chaque pièce."""

    def __init__(self, pieces: Pieces, urls: list[str], place: str, rooms: int, size: int):
        # Le premier de chaque salon est chez le premier serveur, les autres chez le dernier.
        races = [Race(urls[0], os.getpid(), f"/chat/{place}-{rank}/", 1) for rank in range(rooms)]
        self.speakers = [Public(race) for race in races]
        others = [Race(urls[-1], os.getpid(), race.path, size - 1) for race in races]
        self.listeners = [Public(race) for race in others]
        self.pieces, self.people, self.size = pieces, rooms * size, size

    async def enter(self) -> dict:
        """Fait entrer tout le monde ; renvoie ce que cela prend, et la mémoire."""
        memory, before = self.pieces.memory(), self.pieces.seconds()
        for public in (*self.listeners, *self.speakers):
            await public.enter()
        self.members = [one for public in self.listeners for one in public.members]
        return {
            "entering": less(self.pieces.seconds(), before),
            "memory": less(self.pieces.memory(), memory),
            "empty": memory,
        }

    async def during(self, act, a_second: int, seconds: int) -> dict[str, float]:
        """Fait une chose tant de fois par seconde ; renvoie ce que chaque pièce a pris."""
        await asyncio.sleep(1)
        before, began = self.pieces.seconds(), time.monotonic()
        for turn in range(seconds * a_second):
            act(turn)
            await asyncio.sleep(began + (turn + 1) / a_second - time.monotonic())
        if refused := sum(public.refused for public in (*self.listeners, *self.speakers)):
            raise Trouble(f"Le chat refuse {refused} trames.")
        return less(self.pieces.seconds(), before)

    async def silence(self) -> dict[str, float]:
        return await self.during(lambda _: None, 1, TURN)

    async def beat(self, a_second: int) -> dict[str, float]:
        members = itertools.cycle(self.members)

        def ask(_):
            next(members).transport.send(WSMsgType.TEXT, HEARTBEAT.encode())

        return await self.during(ask, a_second, TURN)

    async def speak(self, a_second: int, seconds: int) -> dict[str, float]:
        speakers = itertools.cycle(self.speakers)
        before, expected = self.heard(), a_second * seconds * self.size
        spent = await self.during(lambda _: next(speakers).say(), a_second, seconds)
        await asyncio.sleep(1)
        if self.heard() - before != expected:
            raise Trouble(f"{self.heard() - before} livraisons, au lieu de {expected}.")
        return spent

    def heard(self) -> int:
        return sum(public.received for public in (*self.listeners, *self.speakers))


async def measured(urls: list[str], pid: int, place: str) -> dict:
    """Fait entrer un public, le fait agir, et renvoie ce que prend chaque chose."""
    pieces = Pieces(pid)
    if place == "repartis":
        crowd = Crowd(pieces, urls, place, 33, 30)
        found = await crowd.enter()
        found |= {"people": crowd.people, "silence": await crowd.silence()}
        return found | {"beating": await crowd.beat(BEATS), "speaking": await crowd.speak(40, TURN)}
    if place in APART:
        crowd = Crowd(pieces, urls, place, *APART[place][:2])
        await crowd.enter()
        return {"speaking": await crowd.speak(APART[place][2], SECONDS)}
    crowd = Crowd(pieces, urls[:1], place, 10, 30)
    await crowd.enter()
    return {
        "touched": touched(int(urls[1])),
        "silence": await crowd.silence(),
        "beating": await crowd.beat(LIGHT_BEATS),
    }


def kernel_bytes(pairs: int = 8000) -> float:
    """Renvoie ce que prend au système une prise qui se tait, en octets."""

    def slab() -> int:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Slab:")) * 1024

    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((HERE, 0), backlog=100))
        before = slab()
        for _ in range(pairs):
            stack.enter_context(socket.create_connection(listener.getsockname()))
            stack.enter_context(listener.accept()[0])
        return (slab() - before) / (2 * pairs)


def announced(redis: RedisServer, pieces: Pieces, subscribers: int, times: int = 5000) -> float:
    """Renvoie ce que prend à Redis une annonce, en microsecondes, à tant d'abonnés."""
    from redis import Redis

    def drain(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while one.recv(65536):
                pass

    with contextlib.ExitStack() as stack, Redis(port=redis.port) as client:
        for _ in range(subscribers):
            one = stack.enter_context(socket.create_connection((HERE, redis.port)))
            one.sendall(b"SUBSCRIBE salon\r\n")
            threading.Thread(target=drain, args=[one], daemon=True).start()
            stack.callback(one.shutdown, socket.SHUT_RDWR)
        client.publish("salon", b"x")
        before = pieces.seconds()[REDIS]
        for _ in range(times):
            client.publish("salon", b"x" * 300)
        return 1e6 * (pieces.seconds()[REDIS] - before) / times


def kept(project: Path, environment: dict[str, str], pieces: Pieces) -> dict[str, float]:
    """Renvoie, par taille de paquet, ce qu'il prend à PostgreSQL, et le temps de le garder."""
    found = {}
    for size, number in BATCHES:
        before = pieces.seconds()[POSTGRES]
        done = subprocess.run(
            [sys.executable, "-c", KEEP, str(size), str(number)],
            cwd=project,
            env=project_environment() | environment,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
        spent = 1e6 * (pieces.seconds()[POSTGRES] - before) / (number + 1)
        found[f"paquet de {size}, PostgreSQL"] = spent
        found[f"paquet de {size}, temps"] = 1e6 * float(done.stdout.split()[-1])
    return found


def row_bytes(url: str) -> float:
    """Renvoie la place d'un message dans PostgreSQL, index compris, en octets."""
    import psycopg

    size = "pg_total_relation_size('chat_message')::float / count(*)"
    with psycopg.connect(url) as one:
        return one.execute(f"SELECT {size} FROM chat_message").fetchone()[0]


@contextlib.contextmanager
def chat(changes: dict):
    """Déploie la solution de l'étape 16, avec des changements, le temps d'un bloc."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prix-"))) / "live"
        copy_project(find_step("16").solution, folder)
        for name, pairs in changes.items():
            text = (folder / name).read_text("utf-8")
            for old, new in pairs:
                assert text.count(old) == 1, f"{name} n'a pas, ou a plusieurs fois : {old}"
                text = text.replace(old, new)
            (folder / name).write_text(text, "utf-8")
        postgres, redis = stack.enter_context(PostgresServer()), stack.enter_context(RedisServer())
        environment = {
            "DJANGO_SETTINGS_MODULE": "live.production",
            "DJANGO_SECRET_KEY": "le-temps-d-une-mesure",
            "DJANGO_ALLOWED_HOSTS": HERE,
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
        }
        front = stack.enter_context(deployed(folder, environment))

        def public(place: str, urls: list[str]) -> dict:
            done = subprocess.run(
                [sys.executable, "-m", "tests.costs", place, str(os.getpid()), *urls],
                cwd=ROOT,
                env=project_environment() | {"SSL_CERT_FILE": str(front.authority)},
                stdout=subprocess.PIPE,
                encoding="utf-8",
                check=True,
            )
            return json.loads(done.stdout)

        yield front, postgres, redis, folder, environment, public


def touched(port: int) -> float:
    """Renvoie chez combien de serveurs est un salon, en moyenne, d'après Redis."""
    from redis import Redis

    with Redis(port=port) as client:
        rooms = [name for name in client.pubsub_channels() if b"chat-" in name]
        return statistics.mean(number for _, number in client.pubsub_numsub(*rooms))


def as_it_is() -> dict[str, float]:
    """Renvoie les prix du chat de l'étape 16, en microsecondes ou en octets."""
    pieces, found = Pieces(os.getpid()), {}
    with chat({}) as (front, postgres, redis, folder, environment, public):
        spread = public("repartis", [front.url])
        apart = [server.url for server in front.servers]
        few, many = public("quinze", apart), public("mille", apart)
        prices(found, spread, few, many, [str(server.port) for server in front.servers])
        found |= kept(folder, environment, pieces)
        found["octets par message gardé"] = row_bytes(postgres.url)
        alone, crowded = announced(redis, pieces, 1), announced(redis, pieces, 21)
        found[f"{REDIS}, reception"] = (crowded - alone) / 20
    found["octets par prise"] = kernel_bytes()
    return found


def lighter() -> dict[str, float]:
    """Renvoie les prix du chat où un salon est chez un seul serveur, qui répond de mémoire."""
    with chat(LIGHTER) as (front, _, redis, *_, public):
        found = public("reunis", [front.url, str(redis.port)])
    spent = {
        f"{name}, light heartbeat": 1e6
        * (found["beating"][name] - found["silence"][name])
        / (LIGHT_BEATS * TURN)
        for name in (*NAMES.values(), SERVER)
    }
    return spent | {"serveurs par salon": found["touched"]}


def prices(found: dict, spread: dict, few: dict, many: dict, ports: list[str]) -> None:
    """Note le prix de chaque chose, par pièce."""
    people = spread["people"]
    for name in (*NAMES.values(), SERVER):
        quiet = spread["silence"][name]
        spoken = 1e6 * (spread["speaking"][name] - quiet) / (40 * TURN)
        found[f"{name}, phrase"] = spoken
        found[f"{name}, heartbeat"] = 1e6 * (spread["beating"][name] - quiet) / (BEATS * TURN)
        found[f"{name}, silence"] = 1e6 * quiet / people / TURN
        found[f"{name}, entry"] = 1e6 * spread["entering"][name] / people
        found[f"{name}, octets"] = spread["memory"][name] / people
    found[f"{SERVER}, octets d'un seul, vide"] = spread["empty"][SERVER] / 2
    # nginx passe une trame à l'aller, et trente au retour.
    found[f"{NGINX}, phrase"] = found[f"{NGINX}, delivery"] = found[f"{NGINX}, phrase"] / 31

    def spoken(run: dict, place: str, port: str) -> float:
        return 1e6 * run["speaking"][port] / (APART[place][2] * SECONDS)

    # Chez qui parle : la phrase, sa réception, une livraison. Chez qui écoute : le reste.
    here, there = ports
    listens = spoken(few, "quinze", there)
    delivery = (spoken(many, "mille", there) - listens) / (900 - 15)
    reception = listens - 15 * delivery
    found[f"{SERVER}, delivery"], found[f"{SERVER}, reception"] = delivery, reception
    found[f"{SERVER}, phrase"] = spoken(few, "quinze", here) - reception - delivery


def main() -> None:
    if len(sys.argv) > 2:
        place, pid, *urls = sys.argv[1:]
        print(json.dumps(asyncio.run(measured(urls, int(pid), place))))
        return
    times = [as_it_is() | lighter() for _ in range(int([*sys.argv, 3][1]))]
    for what in times[0]:
        several = [one[what] for one in times]
        print(f"{what:28} {statistics.median(several):10.0f}", *(f"{one:8.0f}" for one in several))


if __name__ == "__main__":
    main()
