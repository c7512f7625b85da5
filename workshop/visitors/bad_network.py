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

# Ce qu'une page dit d'elle-même, et qu'un navigateur doit entendre.
SPOKEN = ("Content-Type", "Content-Security-Policy")


class BadNetwork:
    """Un mandataire, de l'entrée à la sortie d'un bloc `async with`.

    Il rend les pages de `url`, et relaie leurs websockets. `lost` sont les textes dont l'annonce se
    perd ; `cutting`, ceux dont l'annonce se perd avec la connexion, une fois chacun. `mute` : rien
    ne revient, et la connexion reste ouverte. `answered` dit si la page a reçu une réponse à ses
    questions, `asked` combien elle en a posé, `tries` combien de fois elle a frappé pendant une
    coupure, et `through` les connexions qui vont jusqu'au serveur. `objection` est la trame qui
    répond à la prochaine question, avant le serveur.
    """

    def __init__(self, url: str):
        self.target = url
        self.lost: set[str] = set()
        self.cutting: set[str] = set()
        self.answered = self.down = self.mute = False
        self.tries = self.asked = 0
        self.objection: dict | None = None
        self.open: set[ServerConnection] = set()
        self.through: set[ServerConnection] = set()

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

    async def tell(self, frame: dict) -> None:
        """Dit cette trame aux pages, comme si le serveur la disait."""
        for page in [*self.open]:
            await page.send(json.dumps(frame))

    async def dismiss(self, code: int) -> None:
        """Raccroche aux pages, avec ce code, et refuse d'ouvrir, jusqu'à `mend`."""
        self.down = True
        for page in [*self.open]:
            await page.close(code)

    async def _page(self, connection: ServerConnection, request: Request) -> Response | None:
        knocks = request.headers.get("Upgrade", "").lower() == "websocket"
        if self.down:
            self.tries += knocks
            return connection.respond(503, "Le réseau est coupé.")
        if knocks:
            return None
        return await asyncio.to_thread(self._fetch, request.path)

    def _fetch(self, path: str) -> Response:
        try:
            with urllib.request.urlopen(self.target + path, timeout=10) as answer:
                said = {name: answer.headers[name] for name in SPOKEN if name in answer.headers}
                return _response(200, said, answer.read())
        except urllib.error.HTTPError as refusal:
            return _response(refusal.code, {"Content-Type": "text/plain"}, b"")

    async def _relay(self, page: ServerConnection) -> None:
        self.open.add(page)
        address = self.target.replace("http", "ws", 1) + page.request.path
        protocols = [page.subprotocol] if page.subprotocol else None
        try:
            with contextlib.suppress(ConnectionClosed, InvalidStatus, OSError):
                async with connect(
                    address, origin=self.target, subprotocols=protocols, proxy=None
                ) as server:
                    self.through.add(page)
                    speaking = asyncio.create_task(self._speak(page, server))
                    try:
                        await self._listen(server, page)
                    finally:
                        speaking.cancel()
        finally:
            self.open.discard(page)
            self.through.discard(page)
            page.transport.abort()

    async def _speak(self, page, server) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in page:
                if _frame(text).get("type") in ("after", "before"):
                    self.asked += 1
                    if objection := self.objection:
                        self.objection = None
                        await page.send(json.dumps(objection))
                await server.send(text)
        # Une page coupée s'en va aussi du serveur.
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


def _response(status: int, said: dict[str, str], body: bytes) -> Response:
    headers = said | {"Content-Length": str(len(body)), "Connection": "close"}
    return Response(status, "", Headers(headers | {"Cache-Control": "no-store"}), body)


def _frame(text: str | bytes) -> dict:
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}
