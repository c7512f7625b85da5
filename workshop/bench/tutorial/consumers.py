"""Le consommateur de ce chat : du JSON entre, du JSON sort, pour tout le groupe."""

import json

from channels.generic.websocket import AsyncWebsocketConsumer

urlpatterns = []


class RoomConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        self.group = "room-" + self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        message = json.loads(text_data)["message"]
        await self.channel_layer.group_send(self.group, {"type": "said", "message": message})

    async def said(self, event):
        await self.send(json.dumps({"message": event["message"]}))

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)
