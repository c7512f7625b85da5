import asyncio
import logging
import time
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import redis.asyncio
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis import Redis, RedisError

logger = logging.getLogger(__name__)


def introduce():
    """Dit avec qui ce serveur partage ; lève ImproperlyConfigured si Redis ne répond pas."""
    if not settings.REDIS_URL:
        print("Sans REDIS_URL, ce serveur est seul : ses salons sont dans sa mémoire.")
        return
    where = urlsplit(settings.REDIS_URL).netloc.rpartition("@")[2]
    try:
        with Redis.from_url(settings.REDIS_URL, **settings.REDIS_PATIENCE, retry=None) as one:
            one.ping()
    except ValueError:
        raise ImproperlyConfigured(
            "REDIS_URL n'est pas une adresse de Redis. Par exemple : redis://127.0.0.1:6379"
        ) from None
    except RedisError as error:
        why = type(error).__name__
        raise ImproperlyConfigured(
            f"Redis ne répond pas à {where} ({why}). Démarrez-le, ou retirez REDIS_URL."
        ) from None
    print(f"Ce serveur partage ses salons par Redis, à {where}.")


class Absence:
    """Redis ne répond plus : pendant une seconde, on fait sans lui, et l'on ne l'attend pas."""

    until = 0

    def __bool__(self):
        return time.monotonic() < self.until

    def begin(self, error):
        self.until = time.monotonic() + 1
        logger.warning("Redis ne répond plus, ce serveur fait sans lui. (%s)", error)


absence = Absence()


async def announce(group, event):
    """Prévient un groupe ; renvoie False si Redis ne répond pas."""
    if absence:
        return False
    try:
        await get_channel_layer().group_send(group, event)
    except RedisError as error:
        absence.begin(error)
        return False
    return True


clients = WeakKeyDictionary()


def client():
    # Une connexion appartient à la boucle d'événements qui l'a ouverte.
    loop = asyncio.get_running_loop()
    if loop not in clients:
        # Si toutes servent, on attend son tour : une foule n'est pas une panne.
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.REDIS_URL, **settings.REDIS_PATIENCE, timeout=5, retry=None
        )
        clients[loop] = redis.asyncio.Redis.from_pool(pool)
    return clients[loop]


async def ask(script, key, *arguments):
    """Renvoie ce que rend un script, ou None s'il n'y a pas de Redis pour le lire."""
    if not settings.REDIS_URL or absence:
        return None
    try:
        return await client().eval(script, 1, key, *arguments)
    except RedisError as error:
        absence.begin(error)
        return None
