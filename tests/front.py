"""De qui parle à qui écoute, à travers nginx, PostgreSQL et Redis : combien de temps ?

`python -m tests.front [PERSONNES [SECONDES]]`, sous Linux. Un salon de mille personnes, d'autant
d'adresses, réparties sur deux serveurs ; quelqu'un dit une phrase par seconde, et l'on note quand
chacun la reçoit. C'est la solution de l'étape 16, déployée. Le public est un processus à part. Les
délais ne valent que sur une machine qui ne fait rien d'autre.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from workshop.basics import ROOT
from workshop.bench.load import Public, Race, quantile
from workshop.chapters.steps import find_step
from workshop.project.deploying import HERE, deployed
from workshop.project.files import copy_project
from workshop.system.postgres_server import PostgresServer
from workshop.system.processes import project_environment
from workshop.system.redis_server import RedisServer

PATH = "/chat/mille/"


async def measured(url: str, people: int, seconds: int) -> dict[str, float]:
    """Renvoie ce qu'une phrase par seconde met à venir à chacun, et combien ne viennent pas."""
    public = Public(Race(url, os.getpid(), PATH, people))
    await public.enter()
    public.sent_at = {}
    for _ in range(seconds):
        public.say()
        await asyncio.sleep(1)
    await public.settle(seconds * people)
    delays = sorted(public.delays)
    return {
        "median_ms": quantile(delays, 0.5),
        "p99_ms": quantile(delays, 0.99),
        "longest_ms": 1000 * delays[-1],
        "lost": seconds * people - public.received,
    }


def deploy_and_measure(people: int, seconds: int) -> dict[str, float]:
    """Déploie la solution de l'étape 16, et lance le public."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devant-")))
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
        done = subprocess.run(
            [sys.executable, "-m", "tests.front", front.url, str(people), str(seconds)],
            cwd=ROOT,
            env=project_environment() | {"SSL_CERT_FILE": str(front.authority)},
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
    return json.loads(done.stdout)


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1].startswith("https"):
        url, people, seconds = sys.argv[1:]
        print(json.dumps(asyncio.run(measured(url, int(people), int(seconds)))))
        return
    people, seconds = [*map(int, sys.argv[1:]), *(1000, 60)[len(sys.argv) - 1 :]]
    found = deploy_and_measure(people, seconds)
    print(
        f"{people} personnes, une phrase par seconde pendant {seconds} s : médiane "
        f"{found['median_ms']:.0f} ms, 99e centile {found['p99_ms']:.0f} ms, au plus "
        f"{found['longest_ms']:.0f} ms ; {found['lost']} perdues"
    )


if __name__ == "__main__":
    main()
