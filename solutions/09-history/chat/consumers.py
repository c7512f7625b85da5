import json

from channels.generic.websocket import AsyncWebsocketConsumer

from . import history


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.name = user.get_full_name() or user.get_username()
        else:
            self.name = "Anonymous troll"
        self.author = user.pk
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.group = "chat-" + self.room
        self.json = "json" in self.scope["subprotocols"]

        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept("json" if self.json else None)
        await self.tell({"type": "welcome", "name": self.name}, f"Bienvenue {self.name} !")

    async def receive(self, text_data=None, bytes_data=None):
        frame = json.loads(text_data) if self.json else {"type": "message", "text": text_data}
        if frame["type"] == "message":
            await self.say(frame["text"])
        elif frame["type"] == "after":
            await self.tell(await history.after(self.room, frame["number"]))
        elif frame["type"] == "before":
            await self.tell(await history.before(self.room, frame["number"]))

    async def say(self, text):
        message = await history.keep(self.room, self.name, text, self.author)
        event = {"type": "chat.message", "message": message}
        await self.channel_layer.group_send(self.group, event)

    async def chat_message(self, event):
        message = event["message"]
        await self.tell(message, f"<{message['name']}> {message['text']}")

    async def tell(self, frame, text=""):
        await self.send(json.dumps(frame, ensure_ascii=False) if self.json else text)

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
