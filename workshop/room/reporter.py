"""Dit au tableau où l'on en est, d'un fil à part : rien de ce qui lui arrive ne touche `suivre`."""

import asyncio
import json
import logging
import random
import threading
import time
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

# Les pauses avant de revenir, en secondes : la première, et celle qui ne grandit plus.
FIRST_PAUSE, LONGEST_PAUSE = 1, 15
PATIENCE = 10
# Un refus que rien ne corrigera avant longtemps : le tableau est d'un autre atelier.
REFUSED_PAUSE = 60
SILENT = logging.Logger("workshop.room.reporter", logging.CRITICAL + 1)


class Refused(Exception):
    """Le tableau ne veut pas de ce qu'on lui dit ; la phrase est la sienne."""


class Reporter:
    """Tient le tableau au courant.

    `state` dit où l'on en est avec lui : « connexion », « à jour », « injoignable », ou
    « refusé : … ». `changed` est appelée, de l'autre fil, quand il change.
    """

    def __init__(self, url: str, changed: Callable[[], None] = lambda: None):
        self.address = url.replace("http", "ws", 1) + "suivi/"
        self.origin = url.rpartition("/salle")[0]
        self.changed = changed
        self.state, self.frame, self.told = "connexion", None, None
        self.stopped = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.news: asyncio.Event | None = None
        self.thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        """Commence, et rend la main aussitôt."""
        self.thread.start()

    def knock(self, frame: dict) -> str:
        """Dit une seule chose, et renvoie l'état où cela mène, en dix secondes au plus."""

        async def once():
            self.frame = frame
            talking = asyncio.create_task(self.run())
            end = time.monotonic() + PATIENCE
            while self.state == "connexion" and time.monotonic() < end:
                await asyncio.sleep(0.02)
            self.stop()
            await talking
            return self.state

        return asyncio.run(once())

    def tell(self, frame: dict) -> None:
        """Donne ce qu'il faut dire ; seul le dernier compte, et il finit par arriver."""
        self.frame = frame
        self._wake()

    def stop(self, last: dict | None = None) -> None:
        """Arrête ; `last` est un mot d'adieu, dit s'il peut l'être dans la seconde."""
        if last:
            self.frame = last
        self.stopped = True
        self._wake()
        if self.thread.is_alive():
            self.thread.join(1)

    def _wake(self) -> None:
        if self.loop and self.news and not self.loop.is_closed():
            try:
                self.loop.call_soon_threadsafe(self.news.set)
            except RuntimeError:
                # La boucle vient de finir.
                return

    def _live(self) -> None:
        try:
            asyncio.run(self.run())
        except Exception as error:
            # Une trace abîmerait l'écran de suivre, et l'on s'y passe du tableau.
            self._become(f"arrêté ({type(error).__name__})")

    async def run(self) -> None:
        """Parle au tableau jusqu'à l'arrêt, et revient après chaque coupure."""
        self.loop, self.news = asyncio.get_running_loop(), asyncio.Event()
        pause = FIRST_PAUSE
        while not self.stopped:
            # Un tableau qui revient a tout oublié : il faut tout redire.
            self.told = None
            try:
                async with connect(
                    self.address,
                    origin=self.origin,
                    proxy=None,
                    open_timeout=PATIENCE,
                    close_timeout=1,
                    ping_interval=PATIENCE,
                    ping_timeout=PATIENCE,
                    max_size=2**16,
                    logger=SILENT,
                ) as socket:
                    await self._talk(socket)
            except Refused as refusal:
                self._become(f"refusé : {refusal}")
                self.told, pause = None, REFUSED_PAUSE
            except InvalidStatus:
                self._become("injoignable : cette adresse n'est pas celle d'une salle ouverte")
            except (OSError, WebSocketException, TimeoutError, ValueError, KeyError, TypeError):
                self._become("injoignable")
            if self.told is not None:
                pause = FIRST_PAUSE
            if not self.stopped:
                await self._sleep(random.uniform(0.5, 1) * pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _talk(self, socket: ClientConnection) -> None:
        """Dit chaque nouvelle, et attend qu'elle soit vue avant de dire la suivante."""
        closed = asyncio.ensure_future(socket.wait_closed())
        try:
            while True:
                self.news.clear()
                frame = self.frame
                if frame is not None and frame is not self.told:
                    async with asyncio.timeout(PATIENCE):
                        await socket.send(json.dumps(frame))
                        answer = json.loads(await socket.recv())
                    if answer["type"] == "refused":
                        raise Refused(str(answer["reason"])[:200])
                    self.told = frame
                    self._become("à jour")
                if self.stopped:
                    return
                heard = asyncio.ensure_future(self.news.wait())
                await asyncio.wait({heard, closed}, return_when=asyncio.FIRST_COMPLETED)
                heard.cancel()
                if closed.done():
                    raise ConnectionError
        finally:
            closed.cancel()

    async def _sleep(self, seconds: float) -> None:
        """Attend, sauf si l'on arrête."""
        end = self.loop.time() + seconds
        while not self.stopped and self.loop.time() < end:
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), max(0.01, end - self.loop.time()))
            except TimeoutError:
                return

    def _become(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.changed()
