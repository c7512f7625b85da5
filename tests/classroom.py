"""Une classe de quarante pages derrière une seule adresse, qui se parle, et ce qu'on lui refuse.

`python -m tests.classroom [SECONDES]` affiche ce que mesure test_classroom.py : cinq minutes, si on
ne dit rien. Deux de ces pages sont la page du chat, dans Chromium ; les autres, des clients qui
font ce qu'elle fait, battement compris.
"""

import asyncio
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from workshop.browsers.driving import Page, open_browser
from workshop.chapters.steps import find_step
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.visitors.persistent import PersistentMember, persistent_members

ROOM = "/chat/classe/"
PAGES = 40
IN_A_BROWSER = 2
# Chacun dit une phrase toutes les quatre secondes en moyenne : une classe qui ne fait que cela.
PACE = 4
# Ce que la page montre d'un refus, et ce qu'elle fait de ses connexions.
WATCH = """
window.refusals = [];
window.sockets = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets += 1; }
};
addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  if (refusal.textContent) refusals.push(refusal.textContent);
}).observe(refusal, { childList: true }));
"""
SHOWN = """
[...document.querySelectorAll("#messages li")].map((line) => line.childNodes[2].textContent)
"""


@dataclass
class Heard:
    """Ce qu'entend toute la classe : les refus, les retours, et le temps de chaque écho."""

    refusals: list[str] = field(default_factory=list)
    arrivals: int = 0
    sent: dict[str, float] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)


class Pupil(PersistentMember):
    """Quelqu'un de la classe, qui note ce que l'on refuse."""

    heartbeat = 10
    heard: Heard

    async def receive(self, frame: dict) -> None:
        match frame["type"]:
            case "refused":
                self.heard.refusals.append(frame["reason"])
            case "welcome":
                self.heard.arrivals += 1
            case "message" if frame["key"] in self.unsent:
                self.heard.delays.append(time.monotonic() - self.heard.sent[frame["text"]])
        await super().receive(frame)


@dataclass(frozen=True)
class Measure:
    """Ce qu'une classe a vécu. Les délais, en secondes, vont d'une phrase à son propre écho."""

    seconds: float
    said: int
    refusals: list[str]
    returns: int
    lost: int
    twice: int
    median: float
    slowest: float


async def talk(say: Callable[[str], Awaitable], name: str, seconds: float, sent: dict) -> None:
    """Dit une phrase de temps en temps, à son pas, pendant ce temps."""
    end = time.monotonic() + seconds
    await asyncio.sleep(random.uniform(0, PACE))
    while time.monotonic() < end:
        text = f"{name} dit la phrase {len(sent)}"
        sent[text] = time.monotonic()
        await say(text)
        await asyncio.sleep(random.uniform(0.5, 1.5) * PACE)


async def measure(server: Server, pages: list[Page], seconds: float) -> Measure:
    """Fait parler une classe dont ces pages sont, et compare ce que chacun a lu."""
    heard = Pupil.heard = Heard()
    for page in pages:
        await page.prepare(WATCH)
        await page.goto(server.url + ROOM)
        await page.wait_for("state.textContent.startsWith('connecté')")

    def saying(page: Page) -> Callable[[str], Awaitable]:
        return lambda text: page.run(f"text.value = {json.dumps(text)}, talk.requestSubmit()")

    async with persistent_members(server.url, ROOM, PAGES - len(pages), Pupil) as pupils:
        speakers = [(one.name, one.say) for one in pupils]
        speakers += [(f"page {number}", saying(page)) for number, page in enumerate(pages)]
        await asyncio.gather(*(talk(say, name, seconds, heard.sent) for name, say in speakers))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(30):
                while any(len(one.read) < len(heard.sent) for one in pupils):
                    await asyncio.sleep(0.1)
                for page in pages:
                    await page.wait_for(f"{SHOWN.strip()}.length >= {len(heard.sent)}", 10)
        read = [[message["text"] for message in one.read] for one in pupils]
        read += [[text.strip() for text in await page.run(SHOWN)] for page in pages]
        refusals = [*heard.refusals]
        for page in pages:
            refusals += await page.run("refusals")
        arrivals = heard.arrivals + sum([await page.run("sockets") for page in pages])
    return Measure(
        seconds=seconds,
        said=len(heard.sent),
        refusals=refusals,
        returns=arrivals - PAGES,
        lost=sum(len(heard.sent.keys() - set(one)) for one in read),
        twice=sum(len(one) - len(set(one)) for one in read),
        median=statistics.median(heard.delays),
        slowest=max(heard.delays),
    )


def measured(seconds: float) -> Measure:
    """Mesure la solution de l'étape 12, sur une copie ; lève MissingTool sans Chromium."""

    async def opened(server: Server) -> Measure:
        async with open_browser("chromium") as browser:
            pages = [await browser.page() for _ in range(IN_A_BROWSER)]
            return await measure(server, pages, seconds)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        project = Path(folder) / "live"
        copy_project(find_step("12").solution, project)
        with Server(project) as server:
            return asyncio.run(opened(server))


if __name__ == "__main__":
    for name, value in vars(measured(float(sys.argv[1]) if len(sys.argv) > 1 else 300)).items():
        print(f"{name} : {value}")
