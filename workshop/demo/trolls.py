"""Peuple un salon de trolls qui parlent comme une classe, chacun avec son nom et son rythme.

Usage, dans le dossier d'un projet que sert URL : `python -m workshop.demo.trolls URL NOMBRE TEMPO`.
TEMPO multiplie toutes les pauses. Les trolls sont des personnes identifiées : leurs comptes et
leurs sessions sont écrits dans la base du projet.
"""

import asyncio
import contextlib
import itertools
import random
import re
import sys
import time
import tomllib
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

ROOM = "poneys"
# La pause moyenne d'un troll, en secondes, du bavard au timide.
PACES = (4, 7, 12, 25)
ENTRANCE_SECONDS = 3
# Les pauses avant de revenir, en secondes : la première, et celle qui ne grandit plus.
FIRST_PAUSE, LONGEST_PAUSE = 1, 30
CLASS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
# Communs à toute la classe : rien n'est redit, même par un autre, avant tout le reste.
GREETINGS, ANSWERS, SENTENCES = (
    itertools.cycle(random.sample(CLASS[name], len(CLASS[name])))
    for name in ("greetings", "answers", "sentences")
)


class Troll:
    """Quelqu'un qui parle dans le salon, à son rythme, et répond parfois à qui vient de parler."""

    def __init__(self, name: str, cookie: str, pace: float):
        self.name, self.headers, self.pace = name, {"Cookie": cookie}, pace
        self.neighbour = ""

    async def stay(self, url: str) -> None:
        """Entre et parle sans fin ; après une coupure, revient au bout d'une pause qui grandit."""
        address = f"{url.replace('http', 'ws', 1)}/chat/{ROOM}/"
        await asyncio.sleep(random.uniform(0, min(ENTRANCE_SECONDS, self.pace)))
        pause = FIRST_PAUSE
        while True:
            entered = time.monotonic()
            with contextlib.suppress(OSError, WebSocketException):
                async with connect(
                    address, origin=url, additional_headers=self.headers, proxy=None
                ) as ws:
                    await self.chat(ws)
            if time.monotonic() - entered > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(random.uniform(0.5, 1) * pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def chat(self, ws: ClientConnection) -> None:
        """Écoute et parle jusqu'à ce que la connexion se ferme."""
        tasks = [asyncio.create_task(self.listen(ws)), asyncio.create_task(self.speak(ws))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def listen(self, ws: ClientConnection) -> None:
        async for message in ws:
            speaker = re.match(r"<(\w+)", str(message))
            if speaker and speaker[1] != self.name:
                self.neighbour = speaker[1]

    async def speak(self, ws: ClientConnection) -> None:
        await ws.send(next(GREETINGS))
        while True:
            await asyncio.sleep(random.expovariate(1 / self.pace))
            await ws.send(self.next_sentence())

    def next_sentence(self) -> str:
        """Renvoie une réponse au dernier qui a parlé, ou la phrase suivante de la classe."""
        if self.neighbour and random.random() < 0.25:
            return next(ANSWERS).format(name=self.neighbour)
        return next(SENTENCES)


def full_name(rank: int) -> tuple[str, str]:
    """Renvoie le prénom et le nom du troll de ce rang ; deux rangs n'ont pas le même."""
    first_names, last_names = CLASS["first_names"], CLASS["last_names"]
    turn, place = divmod(rank, len(first_names))
    return first_names[place], last_names[(place + turn) % len(last_names)]


def cookies(number: int) -> list[str]:
    """Crée autant de personnes dans la base du projet ; renvoie le cookie de session de chacune."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import transaction
    from django.test import Client

    call_command("migrate", verbosity=0)
    name, made = settings.SESSION_COOKIE_NAME, []
    # Une seule écriture sur le disque, au lieu de trois par personne.
    with transaction.atomic():
        for rank in range(number):
            first, last = full_name(rank)
            user = get_user_model().objects.create_user(
                f"troll-{rank}", first_name=first, last_name=last
            )
            browser = Client()
            browser.force_login(user)
            made.append(f"{name}={browser.cookies[name].value}")
    return made


async def populate(url: str, visitors: list[str], tempo: float) -> None:
    """Fait vivre un troll par cookie, sans fin."""
    trolls = [
        Troll(full_name(rank)[0], cookie, tempo * PACES[rank % len(PACES)])
        for rank, cookie in enumerate(visitors)
    ]
    await asyncio.gather(*(troll.stay(url) for troll in trolls))


if __name__ == "__main__":
    _, url, number, tempo = sys.argv
    asyncio.run(populate(url, cookies(int(number)), float(tempo)))
