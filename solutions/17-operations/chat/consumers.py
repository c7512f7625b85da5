import asyncio
import json
import logging
import time

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import IntegrityError
from redis import RedisError

from . import frames, history, metrics, subscriptions
from .limits import (
    LONGEST_FRAME,
    REFUSED_BEFORE_CLOSING,
    REFUSED_SECONDS,
    SESSION_ENDED,
    TOO_BIG,
    TOO_MANY,
    Refusal,
)
from .outbox import Outbox
from .security import is_signed_in, session_group
from .visits import Visit

SESSION_SECONDS = 10
logger = logging.getLogger(__name__)


class ChatConsumer(AsyncWebsocketConsumer):
    # Le salon et la session ont leur canal : une connexion n'en a plus besoin.
    channel_layer_alias = None

    async def __call__(self, scope, receive, send):
        self.places = []
        self.outbox = Outbox(send, self.read_after)
        self.hear = self.outbox.put
        metrics.connections.inc()
        try:
            async with Visit(scope) as self.visit:
                await super().__call__(scope, receive, send)
        except RedisError:
            await send({"type": "websocket.close"})
        finally:
            metrics.connections.dec()
            self.leave()

    async def connect(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.name = user.get_full_name() or user.get_username()
            self.session = session_group(self.scope["session"])
        else:
            self.name = "Anonymous troll"
            self.session = None
        self.author = user.pk
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.json = "json" in self.scope["subprotocols"]
        self.over = False
        self.said = self.refused = 0
        self.arrived = self.checked = time.monotonic()

        try:
            await self.visit.enter()
        except Refusal as refusal:
            await asyncio.sleep(REFUSED_SECONDS)
            await self.accept("json" if self.json else None)
            await self.refuse(refusal)
            await self.hang_up(TOO_MANY)
            return
        await self.accept("json" if self.json else None)
        if self.session:
            await self.enter(subscriptions.Session, self.session)
        self.here = await self.enter(subscriptions.Room, self.room)
        await self.tell({"type": "welcome", "name": self.name}, f"Bienvenue {self.name} !")

    async def enter(self, kind, name):
        place = subscriptions.find(kind, name)
        self.places.append(place)
        await place.join(self)
        return place

    async def receive(self, text_data=None, bytes_data=None):
        if self.over:
            return
        if len(text_data or bytes_data or "") > LONGEST_FRAME:
            await self.hang_up(TOO_BIG)
            return
        await self.visit.wait_for_turn()
        price = 1 + len(text_data or bytes_data or "") // 1000
        try:
            await self.visit.take(price)
            frame = frames.read(text_data, self.json)
        except Refusal as refusal:
            self.refused += price
            self.visit.turn += REFUSED_SECONDS
            await self.refuse(refusal)
            if self.refused >= REFUSED_BEFORE_CLOSING:
                await self.hang_up(TOO_MANY)
            return
        if await self.is_over():
            await self.session_ended()
        elif frame["type"] == "message":
            await self.say(frame["text"], frame.get("key"))
        elif frame["type"] == "after":
            await self.tell(await history.after(self.room, frame["number"]))
        elif frame["type"] == "before":
            await self.tell(await history.before(self.room, frame["number"]))

    async def say(self, text, key):
        # La session a pu finir pendant que cette trame attendait son tour.
        if self.over:
            return
        self.said += 1
        try:
            message, is_new = await self.here.say(self.name, text, self.author, key)
        except IntegrityError:
            if await is_signed_in(self.scope):
                raise
            # Son compte vient d'être effacé.
            await self.session_ended()
            return
        if not is_new:
            await self.tell(message, subscriptions.as_text(message))

    async def read_after(self, number):
        """Renvoie les messages qui suivent, chacun avec son numéro et son texte."""
        page = await history.after(self.room, number)
        return [(one["number"], subscriptions.written(one, self.json)) for one in page["messages"]]

    async def refuse(self, refusal):
        metrics.refusals.inc()
        frame = {"type": "refused", "key": refusal.key, "wait": refusal.wait}
        await self.tell(frame | {"reason": refusal.reason}, f"Refusé : {refusal.reason}")

    async def tell(self, frame, text=""):
        if self.outbox.line:
            await self.outbox.line.writable.wait()
        if self.over:
            return
        await self.send(json.dumps(frame, ensure_ascii=False) if self.json else text)

    async def is_over(self):
        if not self.session or time.monotonic() < self.checked + SESSION_SECONDS:
            return False
        self.checked = time.monotonic()
        return not await is_signed_in(self.scope)

    async def session_ended(self, event=None):
        await self.refuse(Refusal("Votre session est finie. Connectez-vous de nouveau."))
        await self.hang_up(SESSION_ENDED)

    async def disconnect(self, code):
        about = {
            "room": self.room,
            "person": self.author,
            "seconds": round(time.monotonic() - self.arrived),
            "said": self.said,
            "refused": self.refused,
            "code": code,
        }
        logger.info("une connexion finit", extra=about)

    async def hang_up(self, code):
        # Ce que l'on nous avait déjà envoyé attend encore : on n'en gardera rien.
        self.over = True
        self.leave()
        await self.close(code)

    def leave(self):
        self.outbox.close()
        while self.places:
            self.places.pop().leave(self)
