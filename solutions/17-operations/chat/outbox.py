import asyncio
from collections import deque
from contextvars import ContextVar

from django.db import Error

LONGEST_OUTBOX = 100

# La ligne d'une connexion, si son serveur en donne une : voir chat/protocol.py.
current_line = ContextVar("current_line", default=None)


class Outbox:
    """Ce qui attend de partir vers un membre. Trop pleine, elle se vide, et il relira l'histoire."""

    def __init__(self, send, read_after):
        self.send, self.read_after, self.line = send, read_after, current_line.get()
        # Les tâches du salon, nées ici, héritent de ce qui reste posé, et vivent plus longtemps.
        current_line.set(None)
        self.waiting, self.emptying = deque(), None
        self.sent, self.announced = None, 0
        self.is_late = self.is_closed = False

    def put(self, batch):
        """Envoie des messages (numéro, texte) si cela n'attend personne ; sinon, les met de côté."""
        if self.waiting or self.is_late or not (self.line and self.line.write_now(batch)):
            self.put_aside(batch)
        else:
            self.sent = max(self.sent or 0, batch[-1][0])

    def put_aside(self, batch):
        if self.is_closed:
            return
        if self.sent is None:
            self.sent = batch[0][0] - 1
        self.announced = max(self.announced, batch[-1][0])
        if self.is_late:
            return
        self.waiting.extend(batch)
        if len(self.waiting) > LONGEST_OUTBOX:
            self.waiting.clear()
            self.is_late = True
        if not self.emptying:
            self.emptying = asyncio.create_task(self.empty())

    async def empty(self):
        """Envoie ce qui attend, au pas de celui qui lit, puis tout ce qu'il a manqué."""
        try:
            while self.waiting or self.is_late:
                if self.is_late:
                    batch = await self.read_after(self.sent)
                    for message in batch:
                        await self.pass_on(*message)
                    self.is_late = bool(batch) and self.sent < self.announced
                else:
                    await self.pass_on(*self.waiting[0])
                    # Pendant l'envoi, la boîte a pu déborder.
                    if self.waiting:
                        self.waiting.popleft()
        except OSError:
            # Il est parti pendant qu'on lui parlait.
            self.close()
        except Error:
            # Sans l'histoire, il lui manquerait quelque chose : qu'il revienne.
            self.emptying = None
            self.close()
            await self.send({"type": "websocket.close", "code": 1011})
        finally:
            self.emptying = None

    async def pass_on(self, number, text):
        if self.line:
            await self.line.writable.wait()
        await self.send({"type": "websocket.send", "text": text})
        self.sent = max(self.sent, number)

    def close(self):
        self.is_closed, self.is_late = True, False
        self.waiting.clear()
        if self.emptying:
            self.emptying.cancel()
