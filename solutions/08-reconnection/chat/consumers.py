import json

from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.name = user.get_full_name() or user.get_username()
        else:
            self.name = "Anonymous troll"
        self.group = "chat-" + self.scope["url_route"]["kwargs"]["room"]
        self.json = "json" in self.scope["subprotocols"]

        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept("json" if self.json else None)
        await self.tell({"type": "welcome", "name": self.name}, f"Bienvenue {self.name} !")

    async def receive(self, text_data=None, bytes_data=None):
        text = json.loads(text_data)["text"] if self.json else text_data
        await self.channel_layer.group_send(
            self.group,
            {"type": "chat.message", "name": self.name, "text": text},
        )

    async def chat_message(self, event):
        frame = {"type": "message", "name": event["name"], "text": event["text"]}
        await self.tell(frame, f"<{event['name']}> {event['text']}")

    async def tell(self, frame, text):
        await self.send(json.dumps(frame, ensure_ascii=False) if self.json else text)

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
