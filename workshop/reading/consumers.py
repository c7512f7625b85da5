"""Une page ouverte, qui montre la marge."""

from channels.generic.websocket import AsyncWebsocketConsumer

from workshop.reading.live import KEYS


class MarginConsumer(AsyncWebsocketConsumer):
    """Entend chaque image de la marge ; peut demander de vérifier, ou de passer à la suite."""

    def __init__(self, live):
        super().__init__()
        self.live = live

    async def connect(self):
        await self.accept()
        self.live.readers.add(self.send)
        await self.send(self.live.picture())

    async def receive(self, text_data=None, bytes_data=None):
        if text_data in KEYS:
            self.live.press(text_data)

    async def disconnect(self, code):
        self.live.readers.discard(self.send)
