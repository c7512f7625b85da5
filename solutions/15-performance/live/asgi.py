import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "live.settings")
# Qui entre par ici sans avoir lu les réglages est loin de chez soi.
if not settings.configured:
    os.environ.setdefault("DJANGO_DEBUG", "0")

django_application = get_asgi_application()

from chat.relay import introduce  # noqa: E402
from chat.routing import websocket_urlpatterns  # noqa: E402
from chat.security import SameOrigin  # noqa: E402

introduce()
application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": AllowedHostsOriginValidator(
            SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
        ),
    }
)
