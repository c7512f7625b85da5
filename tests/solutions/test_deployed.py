"""Le chat de la dernière étape, déployé : ce qui tombe, ce qui redémarre, ce que l'on surveille."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial

import pytest

from tests.solutions.test_two_servers import Named
from workshop.chapters.steps import all_steps
from workshop.project.deploying import deployed, manage, production_settings
from workshop.project.files import copy_project
from workshop.system.nginx_server import real_nginx
from workshop.system.postgres_server import PostgresServer, postgres_programs
from workshop.system.redis_server import RedisServer
from workshop.visitors.checker import History, provoke, require_right, until_it_bites
from workshop.visitors.persistent import persistent_members

PEOPLE, MESSAGES = 6, 240
# Pour les chiffres : dix de chaque panne.
TIMES = int(os.environ.get("ATELIER_FAULTS", 1))
LAST = all_steps()[-1]
PROMTOOL = shutil.which("promtool")

needs_everything = pytest.mark.skipif(
    not (postgres_programs() and real_nginx()),
    reason="il manque PostgreSQL ou nginx : installez postgresql et nginx",
)
needs_prometheus = pytest.mark.skipif(
    not PROMTOOL, reason="il n'y a pas de promtool : installez prometheus"
)


def postgres_restarted(postgres, redis, servers):
    def fault():
        postgres.kill()
        postgres.start()

    return "PostgreSQL redémarré", fault


def redis_killed(postgres, redis, servers):
    def fault():
        redis.kill()
        redis.start()

    return "Redis tué", fault


def server_killed(postgres, redis, servers):
    return "serveur tué", servers[1].restart


def rolling(postgres, redis, servers):
    def fault():
        for server in servers:
            server.stop()
            server.restart()

    return "redémarrages, l'un après l'autre", fault


async def race(project, postgres, redis, front, fault, rank):
    """Deux salons, à travers nginx, et une panne en pleine conversation."""
    found, members = History(), []
    async with contextlib.AsyncExitStack() as stack:
        for room in ("foule", "calme"):
            kind = partial(Named, prefix=f"{room}-", history=found)
            people = persistent_members(front.url, f"/chat/{room}-{rank}/", PEOPLE, kind)
            members += await stack.enter_async_context(people)

        async def talk():
            for number in range(MESSAGES):
                await members[number % len(members)].say(f"phrase {number}")
                await asyncio.sleep(0.05)

        talking = asyncio.create_task(talk())
        await asyncio.sleep(1.5)
        await provoke(found, *fault(postgres, redis, front.servers))
        await talking
        for _ in range(300):
            await asyncio.sleep(0.1)
            if all(len(one.read) == MESSAGES // 2 and not one.unsent for one in members):
                break
    return found


@needs_everything
@pytest.mark.parametrize("fault", [postgres_restarted, redis_killed, server_killed, rolling])
async def test_nothing_lost_nothing_twice(tmp_path, monkeypatch, fault):
    project = tmp_path / "live"
    copy_project(LAST.solution, project)
    with PostgresServer() as postgres, RedisServer() as redis:
        environment = production_settings(project) | {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
        }
        manage(project, sys.executable, environment, "collectstatic", "--noinput")
        with deployed(project, environment) as front:
            monkeypatch.setenv("SSL_CERT_FILE", str(front.authority))
            ranks = iter(range(999))
            for _ in range(TIMES):
                found = await until_it_bites(
                    lambda: race(project, postgres, redis, front, fault, next(ranks))
                )
                print(*found.bites())
                require_right(found)


@needs_prometheus
def test_prometheus_reads_what_the_chapter_writes():
    folder = LAST.solution / "deploy"
    done = subprocess.run(
        [PROMTOOL, "check", "config", str(folder / "prometheus.yml")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rules found" in done.stdout


@needs_prometheus
@pytest.mark.parametrize(
    ("series", "rings"),
    [
        ("0.02x20", False),
        ("0.02x4" + 20 * " +Inf", True),
        ("2x20", True),
        ("", True),
        ("0.02x10 2 2 0.02x10", False),
    ],
    ids=["fast", "nothing-comes-back", "slow", "no-probe", "slow-once"],
)
def test_the_alarm_rings_for_what_a_visitor_cannot_do(tmp_path, series, rings):
    rules = LAST.solution / "deploy" / "alarm.yml"
    summary = re.search(r'summary: "(.*)"', rules.read_text("utf-8"))[1]
    alert = {"exp_labels": {}, "exp_annotations": {"summary": summary}}
    test = {
        "rule_files": [str(rules)],
        "tests": [
            {
                "interval": "15s",
                "input_series": [{"series": "probe_seconds", "values": series}] if series else [],
                "alert_rule_test": [
                    {
                        "eval_time": "3m",
                        "alertname": "LeChatNeRevientPas",
                        "exp_alerts": [alert] if rings else [],
                    }
                ],
            }
        ],
    }
    (tmp_path / "essai.json").write_text(json.dumps(test))
    done = subprocess.run(
        [PROMTOOL, "test", "rules", str(tmp_path / "essai.json")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
