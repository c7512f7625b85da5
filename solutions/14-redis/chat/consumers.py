import asyncio
import json
import time

from channels.generic.websocket import AsyncWebsocketConsumer
from redis import RedisError

from . import frames, history
from .limits import (
    LONGEST_FRAME,
    REFUSED_BEFORE_CLOSING,
    REFUSED_SECONDS,
    SESSION_ENDED,
    TOO_BIG,
    TOO_MANY,
    Refusal,
)
from .relay import announce
from .security import is_signed_in, session_group
from .visits import Visit

SESSION_SECONDS = 10


class ChatConsumer(AsyncWebsocketConsumer):
    async def __call__(self, scope, receive, send):
        try:
            async with Visit(scope) as self.visit:
                await super().__call__(scope, receive, send)
        except RedisError:
            await send({"type": "websocket.close"})

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
        self.group = "chat-" + self.room
        self.json = "json" in self.scope["subprotocols"]
        self.over = False
        self.refused = 0
        self.checked = time.monotonic()

        try:
            await self.visit.enter()
        except Refusal as refusal:
            await asyncio.sleep(REFUSED_SECONDS)
            await self.accept("json" if self.json else None)
            await self.refuse(refusal)
            await self.hang_up(TOO_MANY)
            return
        await self.accept("json" if self.json else None)
        await self.channel_layer.group_add(self.group, self.channel_name)
        if self.session:
            await self.channel_layer.group_add(self.session, self.channel_name)
        await self.tell({"type": "welcome", "name": self.name}, f"Bienvenue {self.name} !")

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
        message, is_new = await history.keep(self.room, self.name, text, self.author, key)
        event = {"type": "chat.message", "message": message}
        if not is_new or not await announce(self.group, event):
            await self.chat_message(event)

    async def chat_message(self, event):
        message = event["message"]
        await self.tell(message, f"<{message['name']}> {message['text']}")

    async def refuse(self, refusal):
        frame = {"type": "refused", "key": refusal.key, "wait": refusal.wait}
        await self.tell(frame | {"reason": refusal.reason}, f"Refusé : {refusal.reason}")

    async def tell(self, frame, text=""):
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

    async def hang_up(self, code):
        # Ce que l'on nous avait déjà envoyé attend encore : on n'en gardera rien.
        self.over = True
        await self.close(code)

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
        if self.session:
            await self.channel_layer.group_discard(self.session, self.channel_name)
