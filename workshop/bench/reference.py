"""La référence de `banc` : un salon, et `broadcast()`, de la bibliothèque websockets.

Usage : `python -m workshop.bench.reference PORT`.
"""

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

members: set[ServerConnection] = set()


async def chat(member: ServerConnection) -> None:
    """Répète à tous ce que dit chacun."""
    members.add(member)
    try:
        async for text in member:
            broadcast(members, json.dumps({"message": json.loads(text)["message"]}))
    finally:
        members.discard(member)


async def main(port: int) -> None:
    async with serve(chat, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
