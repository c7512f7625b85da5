"""Ceux qui entrent dans un salon pendant une vérification, sans port ou par le vrai serveur."""

import asyncio
import contextlib
import functools
import importlib
import inspect
import os
import sys
from pathlib import Path
from urllib.parse import quote

from channels.testing import WebsocketCommunicator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from workshop.basics import ROOT
from workshop.project.python import settings_module

PATIENCE = 3
QUIET = 0.05
MUTE = "rien n'est venu"


@functools.cache
def load(project: Path):
    """Importe l'application ASGI du projet et la renvoie, ou l'exception qu'il lève.

    Comme `runserver` : les réglages que nomme `manage.py`, Django prêt, puis l'application que
    nomment les réglages. Une seule fois par processus : Django ne se prépare pas deux fois.
    """
    import django
    from django.conf import settings
    from django.utils.functional import empty

    sys.dont_write_bytecode = True
    if str(project) not in sys.path:
        sys.path.insert(0, str(project))
    importlib.invalidate_caches()
    module = settings_module(project)
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    try:
        django.setup()
        entrance = getattr(settings, "ASGI_APPLICATION", None)
        entrance = entrance or f"{module.rpartition('.')[0]}.asgi.application"
        package, _, name = entrance.rpartition(".")
        return getattr(importlib.import_module(package), name)
    except (Exception, SystemExit) as error:
        # Sans cela, pytest-django chargerait à son tour ces réglages et s'arrêterait.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)
        settings._wrapped = empty
        return error


def has_models(project: Path) -> bool:
    """Renvoie True si le projet, chargé, a des modèles : il lui faut une base pour parler."""
    from django.apps import apps

    folder = str(project.resolve())
    models = apps.get_models() if apps.models_ready else ()
    return any((inspect.getsourcefile(model) or "").startswith(folder) for model in models)


def project_is_busy() -> bool:
    """Renvoie True si du code du projet tourne ou attend quelque chose dans ce processus.

    Sinon rien ne viendra plus : un silence se constate sans attendre davantage.
    """
    elsewhere = (sys.prefix, sys.base_prefix, str(ROOT), "<")
    frames = [*sys._current_frames().values()]
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        while coroutine is not None:
            frames.append(getattr(coroutine, "cr_frame", None))
            coroutine = getattr(coroutine, "cr_await", None)
    for frame in frames:
        while frame:
            file = frame.f_code.co_filename
            if file.endswith("asgiref/sync.py") or not file.startswith(elsewhere):
                return True
            frame = frame.f_back
    return False


class Refused(AssertionError):
    """La poignée de main n'a pas abouti.

    `path` est le chemin demandé, `status` le code HTTP répondu, s'il y en a un.
    """

    def __init__(self, message: str, path: str, status: int | None = None):
        super().__init__(message)
        self.path, self.status = path, status


class Misheard(AssertionError):
    """Ce que l'on a entendu (None : rien) n'est pas ce que l'on attendait.

    `before` est ce que la même personne avait entendu avant.
    """

    def __init__(self, expected: str, heard: str | None, before: list[str]):
        said = f"Entendu : {MUTE}." if heard is None else f"Entendu : « {heard} »."
        super().__init__(f"Attendu : « {expected} ». {said}")
        self.expected, self.heard, self.before = expected, heard, before


class Member:
    """Quelqu'un dans un salon : il parle, et ce qu'il entend est vérifié.

    Chaque attente est bornée à trois secondes. Les sous-classes disent comment on entre, entend,
    parle et sort.
    """

    heard: tuple[str, ...] = ()

    async def hears(self, expected: str) -> None:
        """Attend un message ; lève Misheard si ce n'est pas `expected`."""
        heard = await self.hear()
        if heard != expected:
            raise Misheard(expected, heard, list(self.heard))
        self.heard = (*self.heard, heard)

    async def echoes(self, text: str, name: str = "Anonymous troll") -> None:
        """Dit `text` et l'entend revenir : preuve, aussi, que rien d'autre n'attendait."""
        await self.say(text)
        await self.hears(f"<{name}> {text}")


class InProcessMember(Member):
    """Parle à l'application ASGI dans ce processus, sans port : plus vite, et sans rien cacher.

    Une fois entré, `subprotocol` est celui que l'application a choisi, s'il y en a un.
    """

    def __init__(
        self,
        application,
        cookie: str = "",
        patience: float = PATIENCE,
        subprotocols: tuple[str, ...] = (),
    ):
        self.application, self.patience, self.subprotocols = application, patience, subprotocols
        self.headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        self.headers += [(b"cookie", cookie.encode())] if cookie else []

    async def enter(self, path: str) -> None:
        """Se connecte ; lève Refused si l'application refuse ou lève une exception."""
        self.communicator = WebsocketCommunicator(
            self.application, quote(path), self.headers, [*self.subprotocols]
        )
        await self.communicator.send_input({"type": "websocket.connect"})
        try:
            event = await self._next()
        except Exception as error:
            kind = type(error).__name__
            message = f"La poignée de main échoue, le projet lève {kind} : {error}"
            raise Refused(message, path) from error
        if event is None:
            raise Refused(f"Pas de réponse à la poignée de main : {MUTE}.", path)
        if event["type"] == "websocket.send":
            raise Refused("Le projet parle avant d'avoir accepté la connexion.", path, 500)
        if event["type"] != "websocket.accept":
            raise Refused("Le projet refuse la poignée de main (HTTP 403).", path, 403)
        self.subprotocol = event.get("subprotocol")

    async def hear(self) -> str | None:
        """Renvoie le prochain message, ou None s'il ne vient pas."""
        event = await self._next()
        if event and event["type"] == "websocket.close":
            raise AssertionError(f"Le projet ferme la connexion (code {event.get('code', 1000)}).")
        if event and event["type"] == "websocket.accept":
            raise AssertionError("Le projet accepte deux fois la connexion.")
        said = event and (event.get("text") or event.get("bytes") or "")
        if not isinstance(said, str | bytes | None):
            raise AssertionError(f"Le projet envoie {said!r}, et non un texte.")
        return said

    async def say(self, text: str) -> None:
        await self.communicator.send_input({"type": "websocket.receive", "text": text})

    async def leave(self) -> None:
        await self.communicator.disconnect()

    async def vanish(self) -> None:
        """Part sans un mot, quel que soit l'état de la connexion."""
        if hasattr(self, "communicator"):
            self.communicator.stop(exceptions=False)

    async def _next(self) -> dict | None:
        """Renvoie le prochain événement ASGI, ou None ; lève aussitôt ce que lève l'application."""
        output = asyncio.ensure_future(self.communicator.output_queue.get())
        application = self.communicator.future
        for wait in range(round(self.patience / QUIET)):
            await asyncio.wait({output, application}, timeout=QUIET, return_when="FIRST_COMPLETED")
            if output.done():
                return output.result()
            if application.done() or (wait > 1 and not project_is_busy()):
                break
        output.cancel()
        return application.result() if application.done() else None


class NetworkMember(Member):
    """Parle au vrai serveur comme un navigateur : avec l'Origin de ses pages."""

    def __init__(self, url: str, subprotocols: tuple[str, ...] = ()):
        self.url, self.subprotocols = url, subprotocols

    async def enter(self, path: str) -> None:
        """Se connecte ; lève Refused si la poignée de main n'aboutit pas."""
        address = self.url.replace("http", "ws", 1) + quote(path)
        try:
            self.socket = await connect(
                address,
                origin=self.url,
                subprotocols=self.subprotocols or None,
                proxy=None,
                open_timeout=PATIENCE,
                close_timeout=1,
            )
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            message = f"Le serveur répond HTTP {status} à la poignée de main."
            raise Refused(message, path, status) from None
        except TimeoutError:
            raise Refused(f"Pas de réponse à la poignée de main : {MUTE}.", path) from None
        except (OSError, WebSocketException) as error:
            raise Refused(f"La poignée de main échoue : {error}.", path) from None

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
