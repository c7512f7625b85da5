"""Étape 06 : une voix depuis la console d'un vrai navigateur.

La seule étape qui n'examine pas une copie : elle entre dans le salon du serveur auquel parle le
navigateur de l'apprenant, et attend d'y entendre la phrase de `console.js`.
"""

import asyncio
import os

import pytest

from workshop.basics import LAUNCHER
from workshop.visitors.members import NetworkMember, Refused

SENTENCE = "Bonjour depuis le navigateur !"


def test_console_file(project):
    """`console.js` est à côté de `manage.py`"""
    assert (project / "console.js").is_file(), "console.js n'est pas à côté de manage.py."


async def test_voice():
    """Une voix venue du navigateur se fait entendre dans le salon `poneys`"""
    server = os.environ.get("ATELIER_SERVER", "http://127.0.0.1:8000")
    seconds = float(os.environ.get("ATELIER_LISTEN", "0"))
    if os.environ.get("ATELIER_HEARD"):
        return
    if not seconds:
        pytest.skip(f"Je n'écoute le salon que dans un terminal : {LAUNCHER} verifier 06")
    listener = NetworkMember(server)
    try:
        await listener.enter("/chat/poneys/")
    except Refused as refusal:
        if refusal.status:
            raise
        pytest.skip(f"Aucun serveur sur {server}. Démarrez le vôtre dans le terminal « serveur ».")
    heard = []
    try:
        async with asyncio.timeout(seconds):
            while not heard or not heard[-1].endswith(f"> {SENTENCE}"):
                heard += [text for text in [await listener.hear()] if text is not None]
    except TimeoutError:
        last = f"Dernier message : « {heard[-1]} »." if heard else "Pas même une bienvenue."
        pytest.fail(f"En {seconds:.0f} secondes, personne n'a dit « {SENTENCE} ». {last}")
    finally:
        await listener.vanish()
