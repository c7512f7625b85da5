import asyncio
import logging
import time
from collections import defaultdict
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary
from zlib import crc32

import redis.asyncio
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis import Redis, RedisError

logger = logging.getLogger(__name__)


def introduce():
    """Dit avec qui ce serveur partage ; lève ImproperlyConfigured si nul Redis ne répond."""
    if not settings.REDIS_URLS:
        print("Sans REDIS_URL, ce serveur est seul : ses salons sont dans sa mémoire.")
    answers = [reach(url) for url in settings.REDIS_URLS.values()]
    if answers and not any(answers):
        raise ImproperlyConfigured("Aucun Redis ne répond. Démarrez-le, ou retirez REDIS_URL.")


def reach(url):
    """Renvoie True si ce Redis répond, et le dit."""
    where = urlsplit(url).netloc.rpartition("@")[2]
    try:
        with Redis.from_url(url, **settings.REDIS_PATIENCE, retry=None) as one:
            one.ping()
    except ValueError:
        raise ImproperlyConfigured(
            "REDIS_URL n'est pas une adresse de Redis. Par exemple : redis://127.0.0.1:6379"
        ) from None
    except RedisError as error:
        why = type(error).__name__
        print(f"Redis ne répond pas à {where} ({why}).")
        return False
    print(f"Ce serveur partage ses salons par Redis, à {where}.")
    return True


class Absence:
    """Redis ne répond plus : pendant une seconde, on fait sans lui, et l'on ne l'attend pas."""

    until = 0

    def __bool__(self):
        return time.monotonic() < self.until

    def begin(self, error):
        self.until = time.monotonic() + 1
        logger.warning("Redis ne répond plus, ce serveur fait sans lui. (%s)", error)


absences = defaultdict(Absence)


def relay_of(name):
    """Renvoie le Redis de ce nom, par l'alias de sa couche : le même pour tous les serveurs."""
    aliases = [*settings.CHANNEL_LAYERS]
    return aliases[crc32(name.encode()) % len(aliases)]


async def announce(group, event):
    """Prévient un groupe ; renvoie False si son Redis ne répond pas."""
    alias = relay_of(group)
    if absences[alias]:
        return False
    try:
        await get_channel_layer(alias).group_send(group, event)
    except RedisError as error:
        absences[alias].begin(error)
        return False
    return True


clients = WeakKeyDictionary()


def client(alias):
    # Une connexion appartient à la boucle d'événements qui l'a ouverte.
    mine = clients.setdefault(asyncio.get_running_loop(), {})
    if alias not in mine:
        # Si toutes servent, on attend son tour : une foule n'est pas une panne.
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.REDIS_URLS[alias], **settings.REDIS_PATIENCE, timeout=5, retry=None
        )
        mine[alias] = redis.asyncio.Redis.from_pool(pool)
    return mine[alias]


async def ask(script, key, *arguments):
    """Renvoie ce que rend un script, ou None s'il n'y a pas de Redis pour le lire."""
    alias = relay_of(key)
    if not settings.REDIS_URLS or absences[alias]:
        return None
    try:
        return await client(alias).eval(script, 1, key, *arguments)
    except RedisError as error:
        absences[alias].begin(error)
        return None
