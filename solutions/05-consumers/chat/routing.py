from channels.security.websocket import WebsocketDenier
from django.urls import re_path

from .consumers import ChatConsumer

websocket_urlpatterns = [
    re_path(r"^chat/(?P<room>[-a-zA-Z0-9_]{1,90})/$", ChatConsumer.as_asgi()),
    re_path(r"", WebsocketDenier.as_asgi()),
]
