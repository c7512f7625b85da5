from importlib import import_module
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from channels.auth import get_user
from channels.layers import get_channel_layer
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver


class SameOrigin:
    """N'admet que les pages de ce serveur : même machine, même port."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        headers = dict(scope["headers"])
        origin = urlsplit(headers.get(b"origin", b"").decode("latin-1"))
        same = origin.netloc == headers.get(b"host", b"").decode("latin-1")
        application = self.application if same else WebsocketDenier.as_asgi()
        return await application(scope, receive, send)


def session_group(session):
    """Renvoie le groupe des connexions ouvertes avec cette session."""
    return f"session-{session.session_key}"


@receiver(user_logged_out)
def close_connections(request, **kwargs):
    send = async_to_sync(get_channel_layer().group_send)
    send(session_group(request.session), {"type": "session.ended"})


async def is_signed_in(scope):
    """Renvoie True si la session de cette connexion est encore celle de la même personne."""
    engine = import_module(settings.SESSION_ENGINE)
    session = engine.SessionStore(scope["session"].session_key)
    return await get_user({**scope, "session": session}) == scope["user"]
