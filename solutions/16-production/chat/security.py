from importlib import import_module
from unicodedata import normalize
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync
from channels.auth import get_user
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import HttpResponse

from .limits import Refusal, network
from .relay import announce
from .visits import Shared


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
    async_to_sync(announce)(session_group(request.session), {"type": "session.ended"})


async def is_signed_in(scope):
    """Renvoie True si la session de cette connexion est encore celle de la même personne."""
    engine = import_module(settings.SESSION_ENGINE)
    session = engine.SessionStore(scope["session"].session_key)
    return await get_user({**scope, "session": session}) == scope["user"]


@async_to_sync
async def pay(owner, tokens, per_second):
    await Shared(owner, 0, tokens, per_second).take(1)


class Brake:
    """Freine les formulaires de qui n'est pas connecté : un mot de passe ne se devine pas."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method == "POST" and not request.user.is_authenticated:
            here = network(request.META["REMOTE_ADDR"])
            # Comme le lira le formulaire : une espace de plus ne fait pas un autre compte.
            name = normalize("NFKC", request.POST.get("username", "")).strip()[:150]
            try:
                # Sans nom, aucun mot de passe n'est essayé.
                if name:
                    pay(f"compte {here} {name}", 10, 1 / 30)
                pay(f"formulaires {here}", 200, 1)
            except Refusal as refusal:
                text = f"Trop d'essais. Réessayez dans {1 + int(refusal.wait)} secondes."
                return HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
        return self.get_response(request)
