from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.name = user.get_full_name() or user.get_username()
        else:
            self.name = "Anonymous troll"
        self.group = "chat-" + self.scope["url_route"]["kwargs"]["room"]

        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        await self.send(f"Bienvenue {self.name} !")

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send(
            self.group,
            {"type": "chat.message", "text": f"<{self.name}> {text_data}"},
        )

    async def chat_message(self, event):
        await self.send(event["text"])

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
