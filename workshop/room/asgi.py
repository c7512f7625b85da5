"""L'application du tableau, derrière les portes du chapitre 11."""

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from channels.sessions import SessionMiddlewareStack
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.urls import re_path

django_application = ASGIStaticFilesHandler(get_asgi_application())

# Le protocole de daphne qui sait s'arrêter de lire : celui du chapitre 12.
import chat.protocol  # noqa: E402, F401
from chat.security import SameOrigin  # noqa: E402

from workshop.room.urls import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            SameOrigin(
                SessionMiddlewareStack(
                    URLRouter([*websocket_urlpatterns, re_path("", WebsocketDenier.as_asgi())])
                )
            )
        ),
    }
)
