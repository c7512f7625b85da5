from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from .consumers import ChatConsumer

ROOM = r"^chat/(?P<room>[-a-zA-Z0-9_]{1,90})/$"

websocket_urlpatterns = [
    re_path(ROOM, ChatConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]
