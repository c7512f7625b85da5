import asyncio
from collections import deque
from contextvars import ContextVar

LONGEST_OUTBOX = 100

# Un Event par connexion, levé tant qu'elle prend ce qu'on lui envoie ; None si l'on n'en sait rien.
writable = ContextVar("writable", default=None)


class Outbox:
    """Ce qui attend de partir vers un membre. Trop pleine, elle se vide, et il relira l'histoire."""

    def __init__(self, send, read_after):
        self.send, self.read_after, self.writable = send, read_after, writable.get()
        self.waiting, self.emptying = deque(), None
        self.sent = self.announced = None
        self.is_late = self.is_closed = False

    async def put(self, number, frame):
        """Envoie une trame si cela n'attend personne ; sinon, la met de côté."""
        if self.sent is None:
            self.sent = self.announced = number - 1
        self.announced = max(self.announced, number)
        if self.is_late or self.is_closed:
            return
        if self.writable and self.writable.is_set() and not self.waiting:
            await self.pass_on(number, frame)
            return
        if len(self.waiting) < LONGEST_OUTBOX:
            self.waiting.append((number, frame))
        else:
            self.waiting.clear()
            self.is_late = True
        if not self.emptying:
            self.emptying = asyncio.create_task(self.empty())

    async def empty(self):
        """Envoie ce qui attend, au pas de celui qui lit, puis tout ce qu'il a manqué."""
        while self.waiting or self.is_late:
            if self.is_late:
                frames = await self.read_after(self.sent)
                for number, frame in frames:
                    await self.pass_on(number, frame)
                self.is_late = bool(frames) and self.sent < self.announced
            else:
                await self.pass_on(*self.waiting[0])
                # Pendant l'envoi, la boîte a pu déborder.
                if self.waiting:
                    self.waiting.popleft()
        self.emptying = None

    async def pass_on(self, number, frame):
        if self.writable and not self.writable.is_set():
            await self.writable.wait()
        try:
            await self.send(frame)
        except OSError:
            # Il est parti pendant qu'on lui parlait.
            self.close()
        self.sent = max(self.sent, number)

    def close(self):
        self.is_closed, self.is_late = True, False
        self.waiting.clear()
        if self.emptying:
            self.emptying.cancel()
