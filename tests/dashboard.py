"""Le tableau de bord du chapitre 17 : deux redémarrages, vus par un vrai Prometheus.

`python -m tests.dashboard` déploie la solution de l'étape 17, y fait parler cent cinquante
personnes, redémarre un serveur puis l'autre, et dessine ce que Prometheus a gardé, dans
docs/tableau-de-bord.svg. Il lit le `deploy/prometheus.yml` de la solution, avec d'autres ports.
"""

import asyncio
import contextlib
import datetime
import json
import math
import os
import re
import shutil
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from workshop.basics import ROOT
from workshop.chapters.steps import find_step
from workshop.drawing.bars import shown
from workshop.drawing.svg import line, sheet, text
from workshop.project.deploying import deployed, manage, production_settings
from workshop.project.files import copy_project
from workshop.system.postgres_server import PostgresServer
from workshop.system.redis_server import RedisServer
from workshop.system.services import Service
from workshop.visitors.persistent import PersistentMember, persistent_members

PICTURE = ROOT / "docs" / "tableau-de-bord.svg"
PEOPLE, PERIOD, CALM = 150, 10, 40
# Ce que chaque cadre demande à Prometheus : son titre, et l'expression de chaque courbe.
PANELS = {
    "connexions, par serveur": ("chat_connections",),
    "messages par seconde": ("sum(rate(chat_messages_total[15s]))",),
    "délai du 99e centile, de gardé à livré, en ms": (
        "1000 * histogram_quantile(0.99, sum by (le) (rate(chat_delivery_seconds_bucket[15s])))",
    ),
    "la sonde : de dit à entendu, par la grande porte, en ms": ("1000 * probe_seconds",),
}
LEFT, WIDTH, HEIGHT, TOP, ROW = 70, 900, 80, 96, 132


class Prometheus(Service):
    """Un Prometheus, qui lit les serveurs d'un projet déployé et sa sonde."""

    name = "Prometheus"

    def __init__(self, project: Path, ports: dict[str, int]):
        super().__init__()
        self.configuration = project / "deploy" / "prometheus-essai.yml"
        written = (project / "deploy" / "prometheus.yml").read_text("utf-8")
        known = re.compile(r"(?<=127\.0\.0\.1:)(?:" + "|".join(ports) + r")\b")
        self.configuration.write_text(known.sub(lambda one: str(ports[one[0]]), written), "utf-8")

    def command(self) -> list[str]:
        data = Path(self.folder.name) / "data"
        return [
            *("--", shutil.which("prometheus"), f"--config.file={self.configuration}"),
            *(f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{self.port}"),
        ]

    def ask(self, expression: str, start: float, end: float) -> list[list[tuple[float, float]]]:
        """Renvoie chaque courbe d'une expression : des secondes depuis le début, des valeurs."""
        query = {"query": expression, "start": start, "end": end, "step": 1}
        address = f"http://127.0.0.1:{self.port}/api/v1/query_range?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return [
            [
                (when - start, float(value))
                for when, value in one["values"]
                if math.isfinite(float(value))
            ]
            for one in found
        ]


class Probe(Service):
    """La sonde du projet, qui dit sur un port ce qu'elle mesure."""

    name = "La sonde"

    def __init__(self, project: Path, url: str):
        super().__init__()
        self.project, self.address = project, url.replace("http", "ws") + "/chat/sonde/"

    def command(self) -> list[str]:
        program = self.project / "deploy" / "probe.py"
        return ["--", sys.executable, str(program), self.address, str(self.port)]


class Page(PersistentMember):
    """Quelqu'un au pas de la page : ce qu'il coûte est ce qu'elle coûte."""

    heartbeat = 10


async def live(front) -> dict[str, float]:
    """Fait parler tout le monde pendant deux redémarrages ; renvoie quand ils ont commencé."""
    marks = {}
    async with persistent_members(front.url, "/chat/poneys/", PEOPLE, Page) as members:

        async def talk(one, rank: int) -> None:
            await asyncio.sleep(PERIOD * rank / PEOPLE)
            while True:
                await one.say(f"une phrase de {one.name}")
                await asyncio.sleep(PERIOD)

        talking = [asyncio.create_task(talk(one, rank)) for rank, one in enumerate(members)]
        for name, server in zip(("premier", "second"), front.servers, strict=True):
            await asyncio.sleep(CALM)
            marks[f"le {name} redémarre"] = time.time()
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.restart)
        await asyncio.sleep(CALM)
        for one in talking:
            one.cancel()
    return marks


def measured() -> tuple[dict[str, list], dict[str, float]]:
    """Déploie, fait vivre, et renvoie les courbes de chaque cadre, et les instants nommés."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tableau-")))
        project = folder / "live"
        copy_project(find_step("17").solution, project)
        postgres, redis = stack.enter_context(PostgresServer()), stack.enter_context(RedisServer())
        environment = production_settings(project) | {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
        }
        manage(project, sys.executable, environment, "collectstatic", "--noinput")
        front = stack.enter_context(deployed(project, environment))
        os.environ["SSL_CERT_FILE"] = str(front.authority)
        probe = stack.enter_context(Probe(project, front.url))
        servers = {f"{8000 + rank}": server.port for rank, server in enumerate(front.servers)}
        prometheus = Prometheus(project, servers | {"9100": probe.port})
        stack.enter_context(prometheus)
        start = time.time()
        marks = asyncio.run(live(front))
        end = time.time()
        found = {
            title: [one for asked in panel for one in prometheus.ask(asked, start, end)]
            for title, panel in PANELS.items()
        }
        return found, {name: when - start for name, when in marks.items()}


def drawn(found: dict[str, list], marks: dict[str, float]) -> str:
    """Dessine les cadres l'un sous l'autre, sur le même temps."""
    end = max(when for series in found.values() for one in series for when, _ in one)
    bottom = TOP + ROW * (len(found) - 1) + HEIGHT

    def place(when: float) -> float:
        return LEFT + (WIDTH - LEFT - 20) * when / end

    title = "Deux redémarrages, vus par Prometheus"
    parts = [text(20, 34, title, "strong")]
    for name, when in marks.items():
        parts.append(line(place(when), TOP - 24, place(when), bottom, "soft"))
        parts.append(text(place(when), TOP - 30, name, "small middle"))
    for rank, (name, series) in enumerate(found.items()):
        low = TOP + ROW * rank + HEIGHT
        most = max(value for one in series for _, value in one) or 1
        parts += [
            text(LEFT, low - HEIGHT - 6, name, "small strong"),
            line(LEFT, low, WIDTH - 20, low, "soft"),
            text(LEFT - 8, low + 4, "0", "small end"),
            text(LEFT - 8, low - HEIGHT + 18, shown(most), "small end"),
        ]
        for colour, one in zip(("heard", "lost"), series, strict=False):
            heights = [(when, low - (HEIGHT - 14) * value / most) for when, value in one]
            points = [f"{place(when):.1f} {y:.1f}" for when, y in heights]
            parts.append(f'<path d="M{"L".join(points)}" class="{colour}"/>')
    note = (
        f"{PEOPLE} personnes, une phrase chacune toutes les {PERIOD} secondes, pendant {end:.0f} "
        f"secondes ; {datetime.date.today().isoformat()}, python -m tests.dashboard"
    )
    parts.append(text(20, bottom + 36, note, "small"))
    return sheet(WIDTH, bottom + 54, title, " ; ".join([*found, *marks]), parts)


def main() -> None:
    if not shutil.which("prometheus"):
        sys.exit("Il n'y a pas de Prometheus sur cette machine : sudo apt install prometheus.")
    PICTURE.write_text(drawn(*measured()), "utf-8")


if __name__ == "__main__":
    main()
