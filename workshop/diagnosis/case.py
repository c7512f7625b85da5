"""Un but rouge et ce que l'on en sait : le projet, l'exception, le journal, la conversation."""

import asyncio
import importlib
import re
import traceback
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.diagnosis.probe import Call, Probe, converse, messages_database
from workshop.mutants.mutation import SuiteError
from workshop.project.python import settings_module
from workshop.project.sources import Place, Project
from workshop.visitors.members import load

FRAME = re.compile(r'^\s*File "(.+)", line (\d+)(?:, in (.+))?$', re.M)
LAST = re.compile(
    r"^((?:[\w]+\.)*[A-Z]\w*(?:Error|Exception|Exit|Warning|Configured|NotReady|\w+)): ?(.*)", re.M
)


def raised_by_a_goal(live: BaseException) -> bool:
    """Renvoie True si c'est un but qui dit son échec, et non le projet ou une bibliothèque."""
    frames = traceback.extract_tb(live.__traceback__)
    ours = not frames or Path(frames[-1].filename).is_relative_to(ROOT / "workshop")
    ours = ours or Path(frames[-1].filename).is_relative_to(ROOT / "steps")
    return type(live).__name__ == "Failed" or (isinstance(live, AssertionError) and ours)


@dataclass
class Error:
    """Une exception, vivante ou lue dans un journal.

    `frames` sont ses lignes dans le projet, de l'extérieur vers l'intérieur.
    """

    kind: str
    message: str
    frames: list[Place] = field(default_factory=list)
    live: BaseException | None = None

    @property
    def place(self) -> Place:
        """La ligne du projet la plus proche de l'erreur."""
        return self.frames[-1] if self.frames else Place("")

    @property
    def shown(self) -> str:
        return f"{self.kind} : {self.message}" if self.message else self.kind


class Case:
    """Un but rouge ; se remplit pendant la vérification, et cherche le reste à la demande.

    `folder` est la copie que l'on juge, `origin` le dossier de l'apprenant, `server` l'adresse du
    serveur que l'étape 06 écoute.
    """

    def __init__(self, step: str, folder: Path, origin: Path | None = None, server: str = ""):
        self.step, self.number = step, int(step[:2])
        self.project, self.origin, self.server = Project(folder), origin, server
        self.goal = ""
        self.observed = ""
        self.error: BaseException | None = None
        self.log = ""
        self.unawaited: list[tuple[str, Place]] = []

    def fail(self, goal: str, observed: str, error: BaseException, fixtures: dict) -> None:
        """Prend note du but rouge, de ce que l'on a lu, et de ce que le test avait en main."""
        self.goal, self.observed, self.error = goal, observed, error
        server = fixtures.get("server")
        self.log = getattr(error, "log", "") or (server.log if server else "")

    @property
    def said(self) -> str:
        """Ce que l'on a observé, avec des espaces ordinaires : plus commode à examiner."""
        return self.observed.replace("\u00a0", " ")

    def warn(self, warning) -> None:
        """Retient les coroutines que personne n'a attendues, et la ligne qui les a créées."""
        for file, line, function in getattr(warning.source, "cr_origin", None) or ():
            if name := self.project.relative(file):
                called = warning.source.__qualname__.rpartition(".")[2]
                if called == "__call__" and function != "__call__":
                    # Une fonction que database_sync_to_async décore n'a plus son nom.
                    call = self.project.source(name).line(line)
                    called = re.sub(r".*?(\w+)\(.*", r"\1", call) or called
                self.not_awaited(called, Place(name, line, function))
                return

    def not_awaited(self, name: str, place: Place) -> None:
        """Retient une coroutine que personne n'a attendue."""
        if (name, place) not in self.unawaited:
            self.unawaited.append((name, place))

    @cached_property
    def loaded(self):
        """L'application ASGI du projet, ou l'exception qu'il lève en l'important."""
        return load(self.project.folder)

    @property
    def application(self):
        return None if isinstance(self.loaded, BaseException) else self.loaded

    @property
    def settings_module(self) -> str:
        """Le module de réglages que choisit le projet."""
        return settings_module(self.project.folder)

    @cached_property
    def settings(self):
        """Le module de réglages, ou None s'il ne s'importe pas."""
        try:
            return importlib.import_module(settings_module(self.project.folder))
        except (Exception, SystemExit):
            return None

    @cached_property
    def probe(self) -> Probe:
        """Une conversation d'essai, dans ce processus, où tout est noté.

        Elle est vide sans application, et avant l'étape 04, où l'on ne se parle pas encore.
        """
        if self.application is None or self.number < 4:
            return Probe()
        with messages_database(self.project.folder):
            probe = asyncio.run(converse(self.application, self.project))
        for warning in probe.warnings:
            self.warn(warning)
        # Une coroutine faite dans un fil n'a pas d'origine, et Python n'en dit rien.
        for call in probe.calls:
            if call.place and not call.awaited:
                self.not_awaited(call.name, call.place)
        return probe

    def called(self, *names: str) -> list[Call]:
        """Renvoie ces appels de la conversation d'essai."""
        return self.probe.called(*names)

    @cached_property
    def errors(self) -> list[Error]:
        """Les exceptions connues, la plus sûre d'abord, chacune après celles qui l'ont causée."""
        lives = [self.error]
        if isinstance(self.loaded, BaseException):
            lives.append(self.loaded)
        else:
            lives += self.probe.errors
        found = []
        for live in lives:
            found += [error for error in self._chain(live) if error not in found]
        return found + self._from_log()

    def _chain(self, live: BaseException | None) -> list[Error]:
        found = []
        while live is not None:
            if not isinstance(live, WorkshopError) and not raised_by_a_goal(live):
                found.insert(0, self._error(live))
            live = live.__cause__ or live.__context__
        return found

    def _error(self, live: BaseException) -> Error:
        frames = []
        for entry in traceback.extract_tb(live.__traceback__):
            if name := self.project.relative(entry.filename):
                frames.append(Place(name, entry.lineno, entry.name))
        if isinstance(live, SyntaxError) and (name := self.project.relative(live.filename or "<>")):
            frames.append(Place(name, live.lineno))
        return Error(type(live).__name__, str(live), frames, live)

    def _from_log(self) -> list[Error]:
        """Les exceptions du journal d'un processus, les premières causes d'abord."""
        found = []
        for block in re.split(r"^Traceback \(most recent call last\):\n", self.log, flags=re.M)[1:]:
            last = LAST.search(block)
            lines = []
            for file, line, function in FRAME.findall(block[: last.end()] if last else block):
                if name := self.project.relative(file):
                    lines.append(Place(name, int(line), function))
            if last:
                found.append(Error(last[1].rsplit(".", 1)[-1], last[2].strip(), lines))
        if not found and (last := [*LAST.finditer(self.log)]):
            found = [Error(last[-1][1].rsplit(".", 1)[-1], last[-1][2].strip())]
        return found

    @cached_property
    def refuses_cookies(self) -> bool:
        """True si le serveur de l'apprenant répond 500 à qui porte un cookie de session."""
        from websockets.exceptions import InvalidStatus
        from websockets.sync.client import connect

        address = self.server.replace("http", "ws", 1) + "/chat/poneys/"
        cookie = {"Cookie": f"sessionid={'x' * 32}"}
        try:
            connect(
                address, origin=self.server, additional_headers=cookie, proxy=None, open_timeout=3
            ).close()
        except InvalidStatus as refusal:
            return refusal.response.status_code == 500
        except Exception:
            return False
        return False

    @property
    def places(self) -> list[tuple[str, int | None]]:
        """Les lignes du projet où les exceptions sont passées, la plus proche d'abord."""
        if isinstance(self.error, SuiteError):
            return self.error.verdict.lines[::-1]
        found = [place for error in self.errors for place in reversed(error.frames)]
        return list(dict.fromkeys((place.file, place.line) for place in found))
