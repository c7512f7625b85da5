"""Ceux qui entrent dans un salon pendant une vérification, sans port ou par le vrai serveur."""

import asyncio
import contextlib
from urllib.parse import quote

from channels.testing import WebsocketCommunicator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

PATIENCE = 3
MUTE = f"rien n'est venu en {PATIENCE} secondes"


class Refused(AssertionError):
    """La poignée de main n'a pas abouti. `status` est le code HTTP répondu, s'il y en a un."""

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class Member:
    """Quelqu'un dans un salon : il parle, et ce qu'il entend est vérifié.

    Chaque attente est bornée à trois secondes. Les sous-classes disent comment on entre, entend,
    parle et sort.
    """

    async def hears(self, expected: str) -> None:
        """Attend un message ; lève AssertionError si ce n'est pas `expected`."""
        heard = await self.hear()
        if heard is None:
            raise AssertionError(f"Attendu : « {expected} ». Entendu : {MUTE}.")
        if heard != expected:
            raise AssertionError(f"Attendu : « {expected} ». Entendu : « {heard} ».")

    async def echoes(self, text: str, name: str = "Anonymous troll") -> None:
        """Dit `text` et l'entend revenir : preuve, aussi, que rien d'autre n'attendait."""
        await self.say(text)
        await self.hears(f"<{name}> {text}")


class InProcessMember(Member):
    """Parle à l'application ASGI dans ce processus, sans port : plus vite, et sans rien cacher."""

    def __init__(self, application, cookie: str = ""):
        self.application = application
        self.headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        self.headers += [(b"cookie", cookie.encode())] if cookie else []

    async def enter(self, path: str) -> None:
        """Se connecte ; lève Refused si l'application refuse ou lève une exception."""
        self.communicator = WebsocketCommunicator(self.application, quote(path), self.headers)
        await self.communicator.send_input({"type": "websocket.connect"})
        try:
            event = await self._next()
        except Exception as error:
            kind = type(error).__name__
            raise Refused(f"La poignée de main échoue, le projet lève {kind} : {error}") from error
        if event is None:
            raise Refused(f"Pas de réponse à la poignée de main : {MUTE}.")
        if event["type"] != "websocket.accept":
            raise Refused("Le projet refuse la poignée de main (HTTP 403).", 403)

    async def hear(self) -> str | None:
        """Renvoie le prochain message, ou None s'il ne vient pas."""
        event = await self._next()
        if event and event["type"] == "websocket.close":
            raise AssertionError(f"Le projet ferme la connexion (code {event.get('code', 1000)}).")
        return event and (event.get("text") or event.get("bytes") or "")

    async def say(self, text: str) -> None:
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        await self.communicator.disconnect()

    async def vanish(self) -> None:
        """Part sans un mot, quel que soit l'état de la connexion."""
        if hasattr(self, "communicator"):
            self.communicator.stop(exceptions=False)

    async def _next(self) -> dict | None:
        """Renvoie le prochain événement ASGI ; lève aussitôt ce que lève l'application."""
        output = asyncio.ensure_future(self.communicator.output_queue.get())
        application = self.communicator.future
        await asyncio.wait({output, application}, timeout=PATIENCE, return_when="FIRST_COMPLETED")
        if output.done():
            return output.result()
        output.cancel()
        return application.result() if application.done() else None


class NetworkMember(Member):
    """Parle au vrai serveur comme un navigateur : avec l'Origin de ses pages."""

    def __init__(self, url: str):
        self.url = url

    async def enter(self, path: str) -> None:
        """Se connecte ; lève Refused si la poignée de main n'aboutit pas."""
        address = self.url.replace("http", "ws", 1) + quote(path)
        try:
            self.socket = await connect(
                address, origin=self.url, proxy=None, open_timeout=PATIENCE, close_timeout=1
            )
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            message = f"Le serveur répond HTTP {status} à la poignée de main."
            raise Refused(message, status) from None
        except TimeoutError:
            raise Refused(f"Pas de réponse à la poignée de main : {MUTE}.") from None
        except (OSError, WebSocketException) as error:
            raise Refused(f"La poignée de main échoue : {error}.") from None

    async def hear(self) -> str | None:
        """Renvoie le prochain message, ou None s'il ne vient pas."""
        with self._open(), contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.socket.recv(), PATIENCE)

    async def say(self, text: str) -> None:
        with self._open():
            await self.socket.send(text)

    async def leave(self) -> None:
        await self.socket.close()

    async def vanish(self) -> None:
        """Part sans un mot, quel que soit l'état de la connexion."""
        if hasattr(self, "socket"):
            self.socket.transport.abort()

    @contextlib.contextmanager
    def _open(self):
        try:
            yield
        except ConnectionClosed as end:
            code = end.rcvd.code if end.rcvd else 1006
            raise AssertionError(f"Le serveur ferme la connexion (code {code}).") from None
