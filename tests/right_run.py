"""Le dessin du chapitre 10 : un serveur tué pendant que trois personnes parlent, et rien de perdu.

`python -m tests.right_run` joue la solution de l'étape 10 jusqu'à ce que la panne morde, et dessine
cette histoire, où rien ne manque, dans docs/histoire-entiere.svg.
"""

import asyncio
import tempfile
from functools import partial
from pathlib import Path

from workshop.basics import ROOT
from workshop.chapters.steps import find_step
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.visitors.checker import (
    History,
    RecordedMember,
    draw,
    provoke,
    require_right,
    until_it_bites,
)
from workshop.visitors.histories import until
from workshop.visitors.persistent import persistent_members

PICTURE = ROOT / "docs" / "histoire-entiere.svg"
NAMES = {"m0": "ada", "m1": "blaise", "m2": "chloé"}
MESSAGES = 12


class Named(RecordedMember):
    """Quelqu'un qui a un prénom, pour qu'on le lise sur le dessin."""

    def __init__(self, url, path, name, history):
        super().__init__(url, path, NAMES[name], history)


async def race(project: Path) -> History:
    """Fait parler trois personnes, tue leur serveur, le relance, et renvoie leur histoire."""
    found = History()
    with Server(project) as server:
        path, kind = f"/chat/juste-{server.port}/", partial(Named, history=found)
        async with persistent_members(server.url, path, len(NAMES), kind) as members:

            async def talk():
                for number in range(MESSAGES):
                    await members[number % len(members)].say(f"phrase {number}")
                    await asyncio.sleep(0.25)

            talking = asyncio.create_task(talk())
            await asyncio.sleep(0.8)
            await provoke(found, "serveur tué, puis relancé", server.restart)
            await talking
            await until(lambda: all(len(one.read) == MESSAGES for one in members), 10)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="juste-") as folder:
        project = Path(folder) / "live"
        copy_project(find_step("10").solution, project)
        found = asyncio.run(until_it_bites(lambda: race(project)))
    require_right(found)
    PICTURE.write_text(draw(found, "Un serveur tué, et rien de perdu"), "utf-8")


if __name__ == "__main__":
    main()
