import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

# Qui entre par ici sans avoir lu les réglages est loin de chez soi.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "live.production")

django_application = get_asgi_application()

from chat import database, relay  # noqa: E402
from chat.routing import websocket_urlpatterns  # noqa: E402
from chat.security import SameOrigin  # noqa: E402

database.introduce()
relay.introduce()
application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
        ),
    }
)
