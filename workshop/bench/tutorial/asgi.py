"""L'entrée de ce chat."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "workshop.bench.tutorial.settings")
http = get_asgi_application()

from workshop.bench.tutorial.consumers import RoomConsumer  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": URLRouter([path("chat/<slug:room>/", RoomConsumer.as_asgi())]),
    }
)
