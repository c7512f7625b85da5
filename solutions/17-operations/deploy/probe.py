"""Parle au chat par la grande porte, et s'écoute : python deploy/probe.py ADRESSE [PORT].

Avec un port, recommence toutes les quinze secondes, et le dit à Prometheus.
"""

import asyncio
import json
import math
import secrets
import sys
import time
from urllib.parse import urlsplit

from prometheus_client import Gauge, start_http_server
from websockets.asyncio.client import connect

PATIENCE, PERIOD = 5, 15


async def speak(address):
    """Renvoie les secondes d'une phrase, de dite à entendue ; l'infini si elle ne revient pas."""
    key, parts = secrets.token_hex(8), urlsplit(address)
    origin = f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"
    try:
        async with asyncio.timeout(PATIENCE):
            async with connect(address, origin=origin, subprotocols=["json"]) as socket:
                await socket.recv()
                started = time.monotonic()
                await socket.send(json.dumps({"type": "message", "key": key, "text": "sonde"}))
                async for text in socket:
                    if json.loads(text).get("key") == key:
                        return time.monotonic() - started
    except Exception as error:
        print(f"{type(error).__name__} : {error}", file=sys.stderr)
    return math.inf


def main(address, port=None):
    if not port:
        found = asyncio.run(speak(address))
        if found == math.inf:
            sys.exit("La phrase ne revient pas.")
        print(f"La phrase revient en {1000 * found:.0f} ms.")
        return
    gauge = Gauge("probe_seconds", "De dit à entendu ; infini si rien ne revient.")
    gauge.set(math.inf)
    start_http_server(int(port), "127.0.0.1")
    while True:
        gauge.set(asyncio.run(speak(address)))
        time.sleep(PERIOD)


main(*sys.argv[1:])
