"""Importe ce qui est long, et le même pour tous les projets : les juges naissent après."""

import gc
import importlib

from _pytest.config import default_plugins

NAMES = (
    "channels.auth",
    "channels.generic.websocket",
    "channels.layers",
    "channels.routing",
    "channels.security.websocket",
    "channels.testing",
    "daphne.server",
    "django.contrib.admin",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.core.asgi",
    "django.core.management",
    "django.contrib.sessions.backends.db",
    "django.template.loader",
    "django.test",
    "django.test.client",
    "django.views.debug",
    "tomllib",
    "websockets.asyncio.client",
    "websockets.sync.client",
    "websockets.sync.server",
    "workshop.browsers.driving",
    "workshop.checking.judging",
    "workshop.visitors.members",
)

for _name in (*NAMES, *(f"_pytest.{plugin}" for plugin in default_plugins)):
    importlib.import_module(_name)
# Ce qui précède ne mourra plus : un juge n'a pas à le parcourir à chaque ramassage.
gc.freeze()
