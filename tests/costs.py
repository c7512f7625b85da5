"""Une phrase, une livraison, un battement : que prend chaque pièce du chat déployé ?

`python -m tests.costs`, sous Linux. C'est la solution de l'étape 16, sur deux serveurs, et trois
publics : trente-trois salons de trente personnes à travers nginx, un salon de neuf cents, puis les
trente-trois salons chez un seul serveur, sans nginx. Ce qui les sépare donne le prix de chaque
chose, en microsecondes de processeur. Le public est un processus à part, que l'on ne compte pas.
"""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from picows import WSMsgType

from workshop.basics import ROOT
from workshop.bench.load import Public, Race
from workshop.chapters.steps import find_step
from workshop.project.deploying import HERE, deployed
from workshop.project.files import copy_project
from workshop.system.postgres_server import PostgresServer
from workshop.system.processes import project_environment
from workshop.system.redis_server import RedisServer

SECONDS = 10
PIECES = {"nginx": "nginx", "postgres": "PostgreSQL", "redis-server": "Redis"}
SERVER = "serveur"
HEARTBEAT = '{"type": "after", "number": 1000000}'
# Des paquets de cette taille, et combien ; le salon n'a qu'un compteur.
BATCHES = ((1, 400), (16, 60), (50, 40))
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
    """Les processus de chaque pièce, et ce qu'ils ont pris."""

    def __init__(self, pid: int):
        self.whole = psutil.Process(pid)

    def found(self):
        """Donne chaque processus du déploiement, avec le nom de sa pièce."""
        for one in self.whole.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = " ".join(one.cmdline())
                if "tests.costs" in words:
                    continue
                name = PIECES.get(one.name(), SERVER if "serve.py" in words else None)
                if name:
                    yield name, one

    def seconds(self) -> dict[str, float]:
        """Renvoie les secondes de processeur de chaque pièce, enfants disparus compris."""
        total = dict.fromkeys([*PIECES.values(), SERVER], 0.0)
        for name, one in self.found():
            with contextlib.suppress(psutil.Error):
                total[name] += sum(one.cpu_times()[:4])
        return total

    def memory(self) -> dict[str, int]:
        """Renvoie la mémoire de chaque pièce, en octets."""
        total = dict.fromkeys([*PIECES.values(), SERVER], 0)
        for name, one in self.found():
            with contextlib.suppress(psutil.Error):
                total[name] += one.memory_info().rss
        return total


async def spent(pieces: Pieces, publics: list[Public], act, each: float) -> dict:
    """Fait une chose toutes les `each` secondes ; renvoie ce que chaque pièce a pris."""
    await asyncio.sleep(1)
    before, began = pieces.seconds(), [public.received for public in publics]
    for turn in range(round(SECONDS / each)):
        act(turn)
        await asyncio.sleep(each)
    await asyncio.sleep(2)
    after = pieces.seconds()
    heard = sum(public.received - first for public, first in zip(publics, began, strict=True))
    return {"cpu": {name: after[name] - before[name] for name in after}, "heard": heard}


async def measured(url: str, pid: int, rooms: int, size: int, each: float) -> dict:
    """Renvoie ce que prennent l'entrée, le silence, les battements, puis les phrases."""
    pieces = Pieces(pid)
    publics = [Public(Race(url, pid, f"/chat/prix-{size}-{rank}/", size)) for rank in range(rooms)]
    empty, before = pieces.memory(), pieces.seconds()
    for public in publics:
        await public.enter()
    full, after = pieces.memory(), pieces.seconds()
    members = [member for public in publics for member in public.members]
    turn = itertools.cycle(members)

    def beat(_):
        for _ in range(len(members) // 100):
            next(turn).transport.send(WSMsgType.TEXT, HEARTBEAT.encode())

    def speak(rank):
        publics[rank % rooms].say()

    found = {
        "people": len(members),
        "beats": round(SECONDS / 0.05) * (len(members) // 100),
        "phrases": round(SECONDS / each),
        "memory": {name: (full[name] - empty[name]) / len(members) for name in full},
        "entering": {name: after[name] - before[name] for name in after},
        "silence": await spent(pieces, publics, lambda _: None, 1),
        "beating": await spent(pieces, publics, beat, 0.05) if rooms > 1 else None,
        "speaking": await spent(pieces, publics, speak, each),
    }
    for member in members:
        member.transport.disconnect()
    await asyncio.sleep(1)
    return found


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


def kept(project: Path, environment: dict[str, str], pieces: Pieces) -> dict[int, tuple]:
    """Renvoie, par taille de paquet, ce qu'un paquet prend à PostgreSQL, et sa durée."""
    found = {}
    for size, number in BATCHES:
        before = pieces.seconds()["PostgreSQL"]
        done = subprocess.run(
            [sys.executable, "-c", KEEP, str(size), str(number)],
            cwd=project,
            env=project_environment() | environment,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
        cpu = (pieces.seconds()["PostgreSQL"] - before) / (number + 1)
        found[size] = round(cpu * 1e6), round(float(done.stdout.split()[-1]) * 1e6)
    return found


def row_bytes(url: str) -> float:
    """Renvoie la place d'un message dans PostgreSQL, index compris, en octets."""
    import psycopg

    with psycopg.connect(url) as one:
        question = "SELECT pg_total_relation_size('chat_message')::float / count(*) FROM chat_message"
        return one.execute(question).fetchone()[0]


def deploy_and_measure() -> dict:
    """Déploie la solution de l'étape 16, et lance les trois publics l'un après l'autre."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prix-")))
        copy_project(find_step("16").solution, folder / "live")
        postgres, redis = stack.enter_context(PostgresServer()), stack.enter_context(RedisServer())
        environment = {
            "DJANGO_SETTINGS_MODULE": "live.production",
            "DJANGO_SECRET_KEY": "le-temps-d-une-mesure",
            "DJANGO_ALLOWED_HOSTS": HERE,
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
        }
        front = stack.enter_context(deployed(folder / "live", environment))

        def public(url: str, rooms: int, size: int, each: float) -> dict:
            words = [url, str(os.getpid()), str(rooms), str(size), str(each)]
            done = subprocess.run(
                [sys.executable, "-m", "tests.costs", *words],
                cwd=ROOT,
                env=project_environment() | {"SSL_CERT_FILE": str(front.authority)},
                stdout=subprocess.PIPE,
                encoding="utf-8",
                check=True,
            )
            return json.loads(done.stdout)

        return {
            "spread": public(front.url, 33, 30, 0.02),
            "one": public(front.url, 1, 900, 0.2),
            "together": public(front.servers[0].url, 33, 30, 0.02),
            "kept": kept(folder / "live", environment, Pieces(os.getpid())),
            "row": row_bytes(postgres.url),
        }


def prices(found: dict) -> dict[str, dict[str, float]]:
    """Renvoie le prix de chaque chose, par pièce, en microsecondes de processeur."""
    spread, one, together = (found[name] for name in ("spread", "one", "together"))

    def speaking(run: dict, name: str) -> float:
        """Ce que prend une phrase de plus, dans ce salon-là."""
        more = run["speaking"]["cpu"][name] - run["silence"]["cpu"][name]
        return 1e6 * more / run["phrases"]

    table = {}
    for name in [*PIECES.values(), SERVER]:
        small, large, alone = (speaking(run, name) for run in (spread, one, together))
        delivery = (large - small) / (900 - 30)
        # Chez deux serveurs, une phrase est reçue deux fois ; chez un seul, une fois.
        reception = small - alone if name in ("Redis", SERVER) else 0
        quiet = spread["silence"]["cpu"][name]
        table[name] = {
            "entry": 1e6 * spread["entering"][name] / spread["people"],
            "phrase": small - 30 * delivery - 2 * reception,
            "reception": reception,
            "delivery": delivery,
            "heartbeat": 1e6 * (spread["beating"]["cpu"][name] - quiet) / spread["beats"],
            "silence": 1e6 * quiet / spread["people"] / (SECONDS + 2),
            "bytes": spread["memory"][name],
        }
    return table


def main() -> None:
    if len(sys.argv) > 1:
        url, pid, rooms, size, each = sys.argv[1:]
        found = asyncio.run(measured(url, int(pid), int(rooms), int(size), float(each)))
        print(json.dumps(found))
        return
    found = deploy_and_measure()
    if len(os.environ.get("ATELIER_COSTS", "")):
        Path(os.environ["ATELIER_COSTS"]).write_text(json.dumps(found, indent=1))
    for name, row in prices(found).items():
        print(f"{name:11}", *(f"{kind} {price:8.1f}" for kind, price in row.items()))
    for size, (cpu, long) in found["kept"].items():
        print(f"un paquet de {size} : {cpu} µs de PostgreSQL, gardé en {long} µs")
    print(f"un message gardé : {found['row']:.0f} octets ; une prise : {kernel_bytes():.0f} octets")


if __name__ == "__main__":
    main()
