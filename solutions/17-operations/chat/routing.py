from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from .consumers import ChatConsumer
from .rooms import ROOM

websocket_urlpatterns = [
    path(ROOM, ChatConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]
