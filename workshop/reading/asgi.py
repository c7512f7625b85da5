"""L'application de `lire` : ses pages, et sa marge, que seule une de ces pages peut lire."""

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator, WebsocketDenier
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

django_application = get_asgi_application()

from workshop.reading.consumers import MarginConsumer  # noqa: E402


def application(live, port: int) -> ProtocolTypeRouter:
    """Renvoie l'application dont la marge montre ce projet-là (un `Live`), servie sur ce port."""
    routes = URLRouter(
        [path("marge/", MarginConsumer.as_asgi(live=live)), re_path("", WebsocketDenier.as_asgi())]
    )
    # Le port compte : le chat de l'apprenant est une autre page de cette machine.
    pages = [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]
    return ProtocolTypeRouter(
        {"http": django_application, "websocket": OriginValidator(routes, pages)}
    )
