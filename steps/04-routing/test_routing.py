"""Étape 04 : une route pour le websocket, ouverte à nos pages seulement."""

import contextlib

import pytest
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect


async def test_route_opens(network_visitor):
    """`/chat/poneys/` accepte la connexion d'une de nos pages"""
    await network_visitor().enter("/chat/poneys/")


def test_origin(server):
    """Une page d'un autre site est refusée"""
    address = server.url.replace("http", "ws", 1) + "/chat/poneys/"
    for origin in (None, "http://ailleurs.example"):
        with contextlib.suppress(InvalidHandshake):
            connect(address, origin=origin, proxy=None, open_timeout=3).close()
            pytest.fail(f"Le serveur accepte une connexion dont l'Origin est {origin}.")
