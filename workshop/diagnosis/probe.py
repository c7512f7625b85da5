"""Une conversation d'essai avec l'application, dans ce processus, où chaque appel est noté."""

import asyncio
import contextlib
import functools
import gc
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from workshop.project.sources import Place, Project
from workshop.visitors.members import InProcessMember, Refused, has_models

PATIENCE = 1
ROOM = "/chat/poneys/"
TEXT = "Salut les gens !"


@dataclass
class Call:
    """Un appel du projet à Channels : `name` avec ses `arguments`, depuis `place`.

    `awaited` dit si quelqu'un l'a attendu.
    """

    name: str
    arguments: tuple
    options: dict
    place: Place | None
    awaited: bool = True

    @property
    def first(self):
        return self.arguments[0] if self.arguments else next(iter(self.options.values()), None)

    def second(self, name: str):
        """Renvoie le second argument, donné à sa place ou sous ce nom."""
        return self.arguments[1] if len(self.arguments) > 1 else self.options.get(name)


@dataclass
class Probe:
    """Ce qui s'est passé : `heard` est par personne, `calls` dans l'ordre.

    `answer` est celle de la poignée de main : accept, close, silence ou error.
    """

    answer: str = ""
    heard: dict[str, list[str]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    consumers: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    waiting: Place | None = None

    def called(self, *names: str) -> list[Call]:
        return [call for call in self.calls if call.name in names]

    @property
    def scope(self) -> dict:
        """Ce que le premier consommateur a su de sa connexion ; vide s'il n'y en a pas eu."""
        return self.consumers[0].scope if self.consumers else {}

    @property
    def rooms(self) -> dict:
        """Ce que la route a lu dans l'adresse."""
        return self.scope.get("url_route", {}).get("kwargs", {})

    @property
    def events(self) -> list[tuple[str, Call]]:
        """Les événements confiés au groupe : leur type, et l'appel qui les envoie."""
        sent = [(call.second("message"), call) for call in self.called("group_send")]
        return [(str(event.get("type")), call) for event, call in sent if isinstance(event, dict)]

    @property
    def echoed(self) -> bool:
        """True si chacun a entendu ce qu'Ada a dit."""
        return all(any(TEXT in str(text) for text in heard) for heard in self.heard.values())

    @property
    def unheard(self) -> bool:
        """True si l'on entre, et que ce que l'on dit n'arrive pas à chacun, sans une erreur."""
        return self.answer == "accept" and not self.errors and not self.echoed


@contextlib.contextmanager
def messages_database(folder: Path):
    """Prête une base d'essai à la conversation, le temps d'un bloc, si le projet a des modèles."""
    if not has_models(folder):
        yield
        return
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    # Les tables viennent des modèles : une migration oubliée ne doit pas faire taire le chat ici.
    connection.settings_dict["TEST"]["MIGRATE"] = False
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        yield
    finally:
        teardown_databases(databases, verbosity=0)


async def converse(application, project: Project) -> Probe:
    """Fait parler Ada dans un salon où Blaise écoute, et renvoie ce que l'on a noté."""
    from channels.layers import channel_layers

    probe = Probe()
    channel_layers.backends.clear()
    with warnings.catch_warnings(record=True) as caught, noting(probe, project):
        warnings.simplefilter("always")
        people = {
            name: InProcessMember(application, patience=PATIENCE) for name in ("Ada", "Blaise")
        }
        for name, person in people.items():
            probe.heard[name] = []
            try:
                await person.enter(ROOM)
                probe.answer = probe.answer or "accept"
            except Refused as refusal:
                probe.answer = {403: "close", 500: "early"}.get(refusal.status, "silence")
                if refusal.__cause__:
                    probe.answer = "error"
                    probe.errors.append(refusal.__cause__)
                elif not refusal.status:
                    probe.waiting = waiting_place(person.communicator.future, project)
                break
            await _listen(person, probe, name)
        if probe.answer == "accept" and not probe.errors:
            with contextlib.suppress(Exception):
                await people["Ada"].say(TEXT)
            for name, person in people.items():
                await _listen(person, probe, name)
            if not probe.echoed:
                probe.waiting = waiting_place(people["Ada"].communicator.future, project)
            try:
                await people["Ada"].leave()
            except Exception as error:
                probe.errors.append(error)
        for person in people.values():
            if not hasattr(person, "communicator"):
                continue
            await person.vanish()
            # Et non wait_for, qui lèverait de nouveau l'exception et en perdrait la trace.
            await asyncio.wait([person.communicator.future], timeout=PATIENCE)
        gc.collect()
    probe.warnings = caught
    return probe


async def _listen(person, probe: Probe, name: str) -> None:
    """Note tout ce que l'on entend, jusqu'au premier silence."""
    with contextlib.suppress(AssertionError):
        try:
            while (heard := await person.hear()) is not None:
                probe.heard[name].append(heard)
                person.patience = 0.2
        except AssertionError:
            raise
        except Exception as error:
            probe.errors.append(error)
    person.patience = PATIENCE


def waiting_place(task: asyncio.Task, project: Project) -> Place | None:
    """Renvoie la ligne du projet où une coroutine attend, s'il y en a une."""
    found = None
    coroutine = task.get_coro()
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame and (name := project.relative(frame.f_code.co_filename)):
            found = Place(name, frame.f_lineno, frame.f_code.co_name)
        coroutine = getattr(coroutine, "cr_await", None)
    return found


@contextlib.contextmanager
def noting(probe: Probe, project: Project):
    """Note les appels du projet à Channels, le temps d'un bloc."""
    from channels.consumer import AsyncConsumer
    from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
    from channels.layers import channel_layers

    def noted(original, name):
        async def awaited(call, coroutine):
            call.awaited = True
            return await coroutine

        @functools.wraps(original)
        def called(self, *arguments, **options):
            call = Call(name, arguments, options, _caller(project))
            probe.calls.append(call)
            result = original(self, *arguments, **options)
            if not asyncio.iscoroutine(result):
                return result
            call.awaited = False
            waiting = awaited(call, result)
            waiting.__qualname__ = original.__qualname__
            return waiting

        return called

    @functools.wraps(AsyncConsumer.__call__)
    async def entered(self, *arguments):
        probe.consumers.append(self)
        return await entered.__wrapped__(self, *arguments)

    watched = [
        (owner, name, name)
        for owner in (AsyncWebsocketConsumer, WebsocketConsumer)
        for name in ("accept", "send", "close")
    ]
    with contextlib.suppress(Exception):
        layer = type(channel_layers["default"])
        watched += [(layer, name, name) for name in ("group_add", "group_discard", "group_send")]
        watched += [(layer, "send", "channel_send")]
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(AsyncConsumer, "__call__", entered))
        for owner, name, shown in watched:
            original = getattr(owner, name, None)
            if original and not project.relative(_file(original)):
                stack.enter_context(mock.patch.object(owner, name, noted(original, shown)))
        yield


def _file(function) -> str:
    code = getattr(function, "__code__", None)
    return code.co_filename if code else ""


def _caller(project: Project) -> Place | None:
    frame = sys._getframe(1)
    while frame:
        if name := project.relative(frame.f_code.co_filename):
            return Place(name, frame.f_lineno, frame.f_code.co_name)
        frame = frame.f_back
    return None
