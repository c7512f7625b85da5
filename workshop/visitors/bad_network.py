"""Un mauvais réseau entre une page et le vrai serveur : il coupe et perd ce qu'on lui dit."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response

HURRY = "/pressee.js"
# Le temps de la page passe dix fois plus vite ; celui des horloges ne change pas.
FASTER = """
for (const name of ["setTimeout", "setInterval"]) {
  const real = window[name];
  window[name] = function (callback, wait = 0) {
    arguments[1] = wait / 10;
    return real.apply(window, arguments);
  };
}
"""


class BadNetwork:
    """Un mandataire, de l'entrée à la sortie d'un bloc `async with`.

    Il rend les pages de `url`, en y pressant le temps si `hurried`, et relaie leurs websockets.
    `lost` sont les textes dont l'annonce se perd ; `cutting`, ceux dont l'annonce se perd avec la
    connexion, une fois chacun. `mute` : rien ne revient, et la connexion reste ouverte. `answered`
    dit si la page a reçu une réponse à ses questions.
    """

    def __init__(self, url: str):
        self.target = url
        self.lost: set[str] = set()
        self.cutting: set[str] = set()
        self.hurried = self.answered = self.down = self.mute = False
        self.open: set[ServerConnection] = set()

    async def __aenter__(self) -> "BadNetwork":
        self.server = await serve(
            self._relay,
            "127.0.0.1",
            0,
            process_request=self._page,
            select_subprotocol=lambda connection, offered: next(iter(offered), None),
            compression=None,
        )
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_) -> None:
        self.server.close()
        await self.server.wait_closed()

    def cut(self) -> None:
        """Coupe tout, et refuse d'ouvrir, jusqu'à `mend`."""
        self.down = True
        for connection in self.open:
            connection.transport.abort()

    def mend(self) -> None:
        self.down = False

    async def _page(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.down:
            return connection.respond(503, "Le réseau est coupé.")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        if request.path == HURRY:
            return _response(200, "text/javascript", FASTER.encode())
        return await asyncio.to_thread(self._fetch, request.path)

    def _fetch(self, path: str) -> Response:
        try:
            with urllib.request.urlopen(self.target + path, timeout=10) as answer:
                kind, body = answer.headers["Content-Type"], answer.read()
        except urllib.error.HTTPError as refusal:
            return _response(refusal.code, "text/plain", b"")
        if self.hurried and kind.startswith("text/html"):
            body = body.replace(b"<head>", f'<head><script src="{HURRY}"></script>'.encode(), 1)
        return _response(200, kind, body)

    async def _relay(self, page: ServerConnection) -> None:
        self.open.add(page)
        address = self.target.replace("http", "ws", 1) + page.request.path
        protocols = [page.subprotocol] if page.subprotocol else None
        try:
            with contextlib.suppress(ConnectionClosed, InvalidStatus, OSError):
                async with connect(
                    address, origin=self.target, subprotocols=protocols, proxy=None
                ) as server:
                    speaking = asyncio.create_task(self._speak(page, server))
                    try:
                        await self._listen(server, page)
                    finally:
                        speaking.cancel()
        finally:
            self.open.discard(page)
            page.transport.abort()

    async def _speak(self, page, server) -> None:
        async for text in page:
            await server.send(text)
        await server.close()

    async def _listen(self, server, page) -> None:
        async for text in server:
            frame = _frame(text)
            if frame.get("type") == "message" and frame.get("text") in self.cutting:
                self.cutting.discard(frame["text"])
                return
            if self.mute or (frame.get("type") == "message" and frame.get("text") in self.lost):
                continue
            await page.send(text)
            self.answered |= frame.get("type") == "history"


def _response(status: int, kind: str, body: bytes) -> Response:
    headers = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    return Response(status, "", Headers(headers | {"Cache-Control": "no-store"}), body)


def _frame(text: str | bytes) -> dict:
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}
