"""Frappe à la porte du chat et dit ce que répond le serveur."""

import sys

from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.sync.client import connect

address = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8000/chat/poneys/"
page = "http://" + address.split("/")[2]

for label, origin in ("sans Origin", None), ("avec Origin", page):
    heard = []
    try:
        with connect(address, origin=origin, proxy=None, open_timeout=2, close_timeout=2) as ws:
            heard.append("101")
            heard.append(ws.recv(timeout=2))
            ws.send("Salut les gens !")
            heard.append(ws.recv(timeout=2))
    except InvalidStatus as refusal:
        heard.append(f"HTTP {refusal.response.status_code}")
    except (ConnectionClosed, InvalidMessage):
        heard.append("connexion coupée")
    except TimeoutError:
        heard.append("silence")
    except OSError:
        heard.append("connexion refusée")
    print(label, ":", ", ".join(heard))
