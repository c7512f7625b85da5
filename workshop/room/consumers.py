"""Ceux qui parlent au tableau : le `suivre` de chacun, les pages qui le montrent, le salon."""

import asyncio
import json
from collections import deque
from datetime import UTC, datetime

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from chat import frames
from chat.limits import (
    PRICE_TO_ENTER,
    REFUSED_BEFORE_CLOSING,
    REFUSED_SECONDS,
    TOO_MANY,
    Allowance,
    Refusal,
    network,
    shared,
)

from workshop.room.picture import board, counts, lines
from workshop.room.story import Unreadable

# Une page n'est pas redessinée plus souvent ; elle a des nouvelles, même sans changement.
DRAWN_SECONDS, CALM_SECONDS = 0.1, 5
# Une page du salon, elle aussi, tient dans une trame.
KEPT_MESSAGES, PAGE, LONGEST_TEXT = 500, 20, 2_000


class RoomConsumer(AsyncWebsocketConsumer):
    """Une connexion au tableau, et ce à quoi elle a droit.

    `pace` est un seau de jetons : à qui parle trop vite on répond moins vite, et l'on ne refuse
    rien. Un réseau a droit à un nombre de connexions ; ceux qui sont là n'en souffrent pas.
    """

    pace = (20, 2)

    async def __call__(self, scope, receive, send):
        self.entered, self.over, self.refused = False, False, 0
        self.allowance = Allowance(1, *self.pace)
        self.network = network(scope["client"][0])
        self.door = shared.of(self.network, 400, 3000, 100)
        try:
            await super().__call__(scope, receive, send)
        finally:
            if self.entered:
                self.door.leave()

    async def connect(self):
        try:
            self.door.take(PRICE_TO_ENTER)
            self.door.enter()
        except Refusal:
            await asyncio.sleep(REFUSED_SECONDS)
            await self.close()
            return
        self.entered = True
        await self.accept("json" if "json" in self.scope["subprotocols"] else None)
        await self.enter()

    async def enter(self):
        """Fait ce qu'il y a à faire une fois entré."""

    async def receive(self, text_data=None, bytes_data=None):
        if self.over:
            return
        while True:
            try:
                self.allowance.take(1)
                break
            except Refusal as wait:
                await asyncio.sleep(wait.wait)
        try:
            await self.read(text_data)
        except (Refusal, Unreadable) as refusal:
            await self.refuse(refusal)

    async def refuse(self, refusal):
        self.refused += 1
        await asyncio.sleep(REFUSED_SECONDS)
        said = {"type": "refused", "reason": str(refusal)}
        said |= {"key": getattr(refusal, "key", None), "wait": getattr(refusal, "wait", None)}
        await self.tell(said)
        if self.refused >= REFUSED_BEFORE_CLOSING:
            await self.hang_up()

    async def tell(self, frame):
        if not self.over:
            await self.send(json.dumps(frame, ensure_ascii=False))

    async def hang_up(self):
        self.over = True
        await self.close(TOO_MANY)


class LearnerConsumer(RoomConsumer):
    """Le `suivre` de quelqu'un : il dit toute son histoire, et le tableau répond qu'il l'a vue."""

    token = None

    async def read(self, text_data):
        frame = frames.parse(text_data or "")
        if self.token and isinstance(frame, dict) and frame.get("token") != self.token:
            raise Unreadable("Une connexion, une personne.")
        row = board.tell(frame, self.network, self)
        self.token = frame["token"]
        if frame.get("leave") is True:
            board.forget(self.token)
        announce()
        await self.tell({"type": "seen", "verdicts": row.story.verdicts})

    async def disconnect(self, code):
        if self.token:
            board.leave(self.token, self)
            announce()


class ViewConsumer(RoomConsumer):
    """Une page qui montre le tableau : elle demande ce qui suit un numéro, et attend."""

    pace = (40, 20)
    asked = None

    async def enter(self):
        await self.channel_layer.group_add("views", self.channel_name)
        self.calm = asyncio.create_task(self.keep_company())

    async def read(self, text_data):
        match frames.parse(text_data or ""):
            case {"after": int(after), "life": str(life)}:
                self.asked = after, life
            case _:
                raise Unreadable("Le tableau ne connaît pas cette demande.")
        await self.answer(always=life != board.life)

    async def news(self, event):
        await self.answer()

    async def answer(self, always=False):
        """Répond à la demande en attente, s'il y a du nouveau : jamais deux réponses d'avance."""
        if self.asked and (always or self.asked[0] < board.number):
            (after, life), self.asked = self.asked, None
            await self.tell(self.picture(after, life))

    async def keep_company(self):
        """Le temps passe sans que rien ne change : la page a l'heure, et sait que l'on est là."""
        while True:
            await asyncio.sleep(CALM_SECONDS)
            await self.answer(always=True)

    async def disconnect(self, code):
        if self.entered:
            self.calm.cancel()
            await self.channel_layer.group_discard("views", self.channel_name)


class BoardConsumer(ViewConsumer):
    def picture(self, after, life):
        return lines(after, life)


class ProjectionConsumer(ViewConsumer):
    def picture(self, after, life):
        return counts()


announced = False


def announce():
    """Prévient les pages, un instant après : ce qui arrive ensemble se dessine ensemble."""
    global announced
    if not announced:
        announced = True
        asyncio.get_running_loop().call_later(DRAWN_SECONDS, _announce)


def _announce():
    global announced
    announced = False
    task = asyncio.ensure_future(get_channel_layer().group_send("views", {"type": "news"}))
    telling.add(task)
    task.add_done_callback(telling.discard)


# asyncio ne retient pas les tâches : il faut le faire pour lui.
telling = set()
messages = deque(maxlen=KEPT_MESSAGES)


class ChatConsumer(RoomConsumer):
    """Le salon de la salle : la page et les trames des chapitres, les messages en mémoire."""

    pace = (100, 5)

    async def enter(self):
        self.name = self.scope["session"].get("name") or "Anonymous troll"
        await self.channel_layer.group_add("chat", self.channel_name)
        await self.tell({"type": "welcome", "name": self.name})

    async def read(self, text_data):
        frame = frames.read(text_data, True)
        if len(frame.get("text", "").encode()) > LONGEST_TEXT:
            raise Refusal(f"Ici, un message a {LONGEST_TEXT} octets au plus.", frame.get("key"))
        last = messages[-1]["number"] if messages else 0
        if frame["type"] == "message":
            await self.say(frame["text"], frame.get("key"), last + 1)
            return
        if frame["type"] == "after":
            found = [one for one in messages if one["number"] > frame["number"]][:PAGE]
        else:
            before = frame["number"] or last + 1
            found = [one for one in messages if one["number"] < before][-PAGE:]
        await self.tell({"type": "history", "last": last, "messages": found})

    async def say(self, text, key, number):
        known = next((one for one in messages if key and one["key"] == key), None)
        if known:
            await self.tell(known)
            return
        sent = datetime.now(UTC).isoformat()
        message = {"type": "message", "number": number, "key": key, "name": self.name}
        message |= {"text": text, "sent": sent}
        messages.append(message)
        await self.channel_layer.group_send("chat", {"type": "chat.message", "message": message})

    async def chat_message(self, event):
        await self.tell(event["message"])

    async def disconnect(self, code):
        await self.channel_layer.group_discard("chat", self.channel_name)
