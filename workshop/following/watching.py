"""`suivre` : vérifie l'étape en cours à chaque enregistrement, et montre le dernier résultat."""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import HSplit, Layout, Window
from prompt_toolkit.layout.controls import FormattedTextControl
from rich.console import RenderableType
from watchfiles import awatch

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.hints import hint_panel
from workshop.chapters.steps import Step
from workshop.checking.acquired import with_acquired
from workshop.checking.checking import LISTEN_SECONDS, Judge, Report, check
from workshop.following.environment import Environment
from workshop.following.presence import Presence
from workshop.following.screen import KEYS, ROOM_KEYS, View, keys_line, screen, text, trace_panel
from workshop.project.comparing import differences, differences_panel
from workshop.project.files import copied
from workshop.project.python import project_python
from workshop.system import nursed
from workshop.system.memory import keep
from workshop.system.processes import GUARD, listening

PORT = 8000
# Là où le système n'annonce rien (lecteur réseau, machine virtuelle), on regarde chaque seconde.
POLL_MS = 1000


class Stale(Exception):
    """Le projet a changé pendant qu'on le vérifiait : ce résultat ne vaut plus rien."""


class Follower:
    """Suit un projet : un processus qui juge attend, tout prêt, l'enregistrement suivant."""

    def __init__(self, step: Step, project: Path, green: frozenset[str] = frozenset()):
        self.project = project
        self.view = View(step, green=green)
        self.judge: Judge | None = Judge(step)
        self.version, self.judged = 0, -1
        self.wanted = asyncio.Event()
        self.wanted.set()
        self.refresh = lambda: None
        self.demo: subprocess.Popen | None = None
        self.presence = Presence(self.show_presence)

    def ask(self) -> None:
        """Demande une vérification ; celle qui est en cours, s'il y en a une, est abandonnée."""
        self.version += 1
        self.view.note, self.view.panel = "", None
        self.wanted.set()

    async def watch(self) -> None:
        """Demande une vérification à chaque changement du projet."""
        async for _ in changes(self.project):
            self.view.welcome = False
            self.ask()

    async def verify(self) -> None:
        """Vérifie chaque fois qu'on le demande ; à l'étape 06, dès qu'un serveur écoute."""
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            version, step = self.version, self.view.step
            self.view.checking = True
            self.say("vérification…")
            try:
                report = await asyncio.to_thread(self.check, version, step)
            except Stale:
                continue
            except (WorkshopError, OSError) as error:
                self.say(str(error))
                continue
            self.view.report, self.view.checking, self.judged = report, False, version
            self.say(f"Vérifié à {time.strftime('%H:%M:%S')}.")
            self.tell_the_room(self.presence.judged, report)
            if report.passed:
                self.keeping = asyncio.create_task(self.keep_acquired(version, step, report))
            self.judge = self.judge or Judge(step)
            if step.number == 6 and report.passed is not True:
                await self.server_listens(version)

    def check(self, version: int, step: Step) -> Report:
        """Vérifie une étape et renvoie le résultat ; lève Stale si le projet change pendant."""
        listens = step.number == 6

        def progress(report: Report, seconds: float) -> None:
            if version != self.version:
                raise Stale
            # Une écoute qui recommence garde sous les yeux la raison de la précédente.
            if report.goals and not (listens and version == self.judged):
                self.view.report = report
            if report.red and not report.diagnosis:
                self.say("Je cherche ce qui répare…")
            if listens and seconds > 2:
                self.say("J'écoute le salon poneys : collez console.js dans la console.")
            self.refresh()

        judge, self.judge = self.judge, None
        if judge and judge.step.slug != step.slug:
            judge.stop()
            judge = None
        python = project_python(self.project)
        nursed.start(python or sys.executable)
        report = check(
            step,
            self.project,
            python,
            judge=judge,
            listen=LISTEN_SECONDS if listens else 0,
            progress=progress,
        )
        if version != self.version:
            raise Stale
        if report.passed:
            self.view.green |= {step.slug}
            keep("green", " ".join(sorted(self.view.green)))
        return report

    async def keep_acquired(self, version: int, step: Step, report: Report) -> None:
        """Juge, pendant que l'on lit, ce qui était acquis ; dit ce qui ne l'est plus."""

        def progress(report: Report, seconds: float) -> None:
            if version != self.version:
                raise Stale

        with contextlib.suppress(Stale, WorkshopError, OSError):
            python = project_python(self.project)
            found = await asyncio.to_thread(
                with_acquired, report, step, self.project, python, progress
            )
            if version == self.version:
                self.view.report = found
                if not found.passed:
                    self.tell_the_room(self.presence.judged, found)
                self.refresh()

    async def server_listens(self, version: int) -> None:
        """Attend qu'un serveur écoute le port 8000, puis demande une nouvelle vérification."""
        while version == self.version and not self.wanted.is_set():
            await asyncio.sleep(1)
            if await asyncio.to_thread(listening, PORT):
                self.wanted.set()

    async def keep_presence(self) -> None:
        """Regarde chaque seconde si l'on a rejoint une salle."""
        while True:
            self.tell_the_room(self.presence.look)
            await asyncio.sleep(1)

    def tell_the_room(self, say: Callable, *what) -> None:
        """Dit quelque chose à la salle ; sans elle, et quoi qu'il lui arrive, on vérifie pareil."""
        with contextlib.suppress(WorkshopError, OSError):
            say(*what)
        self.show_presence()

    def show_presence(self) -> None:
        """Montre la place que l'on a dans la salle, s'il y en a une."""
        if self.view.room != self.presence.line:
            self.view.room = self.presence.line
            self.refresh()

    def say(self, status: str) -> None:
        """Change la ligne d'état."""
        self.view.status = status
        self.refresh()

    def press(self, key: str) -> None:
        """Fait ce que demande une touche, sauf quitter."""
        self.view.note = ""
        actions = {
            "n": self.next_step,
            "i": self.hint,
            "s": self.solution,
            "d": self.show_demo,
            "v": self.ask,
            "t": self.trace,
            "b": self.stuck,
            "x": self.leave_the_room,
        }
        try:
            actions[key]()
        except (WorkshopError, OSError) as error:
            self.view.note = str(error)
        self.refresh()

    def next_step(self) -> None:
        step = self.view.step
        if not self.view.report or not self.view.report.passed:
            self.view.note = (
                "Cette étape n'est pas encore verte. Pour passer outre, dans un autre terminal : "
                f"rattraper {step.number + 1:02}"
            )
        elif not step.following:
            self.view.note = "C'était la dernière étape du parcours."
        else:
            self.view.step = step.following
            self.view.report, self.view.welcome = None, False
            keep("step", self.view.step.slug)
            self.ask()
            self.tell_the_room(self.presence.begins, self.view.step.slug)

    def hint(self) -> None:
        if red := self.view.report and self.view.report.red:
            self.show(hint_panel(self.view.step, red.id, red.text))
        else:
            self.view.note = "Aucun but n'est rouge : pas besoin d'indice."

    def solution(self) -> None:
        self.show(differences_panel(differences(self.project, self.view.step.solution)))

    def trace(self) -> None:
        self.show(trace_panel(self.view.report))

    def stuck(self) -> None:
        self.view.note = self.presence.stuck()
        self.show_presence()

    def leave_the_room(self) -> None:
        self.view.note = self.presence.leave()
        self.show_presence()

    def show(self, panel: RenderableType) -> None:
        """Montre un panneau à la place des buts."""
        self.view.panel = panel
        self.view.note = "Échap revient aux buts ; les flèches font défiler."

    def show_demo(self) -> None:
        """Ouvre le chat de l'étape dans le navigateur, jusqu'à la fin de `suivre`."""
        self.close_demo()
        number = max(self.view.step.number, 5)
        demo = ("-m", "workshop", "demo", f"{number:02}")
        self.demo = subprocess.Popen(
            [sys.executable, str(GUARD), "--ranger", *demo],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.view.note = f"Le chat de l'étape {number:02} s'ouvre dans le navigateur."

    def close_demo(self) -> None:
        if self.demo:
            self.demo.stdin.close()
            self.demo.wait()
            self.demo = None

    def stop(self) -> None:
        """Arrête ce qui tourne encore."""
        self.version += 1
        self.close_demo()
        self.presence.stop()
        if self.judge:
            self.judge.stop()


async def changes(project: Path) -> AsyncIterator[None]:
    """Donne la main à chaque changement de ce que l'apprenant écrit, ou installe.

    Le dossier peut manquer, disparaître et revenir. Ce que laissent les exécutions ne compte pas.
    """
    known, environment = fingerprint(project), Environment(project)
    while True:
        folders = {project.parent, *(path.parent for path in copied(project))}
        folders = {folder for folder in folders if folder.is_dir()}
        with contextlib.suppress(FileNotFoundError):
            async for _ in awatch(
                *folders,
                recursive=False,
                watch_filter=None,
                debounce=50,
                step=10,
                rust_timeout=POLL_MS,
                yield_on_timeout=True,
            ):
                seen, installed = fingerprint(project), environment.has_changed()
                if seen != known or installed:
                    known = seen
                    yield
                if {project.parent, *(path.parent for path in copied(project))} != folders:
                    break


def fingerprint(project: Path) -> dict[str, tuple[int, int]]:
    """Renvoie la date et la taille de chaque fichier que l'apprenant a écrit."""
    found = {}
    for path in copied(project):
        with contextlib.suppress(OSError):
            status = path.stat()
            found[str(path)] = status.st_mtime_ns, status.st_size
    return found


async def follow(follower: Follower, **terminal) -> None:
    """Montre l'écran d'un Follower dans le terminal, jusqu'à la touche q ou Ctrl-C."""
    scroll = 0
    keys = KeyBindings()
    color = "NO_COLOR" not in os.environ

    def shown() -> ANSI:
        columns = app.output.get_size().columns
        return ANSI(text(screen(follower.view), columns, color).rstrip("\n"))

    @keys.add("q")
    @keys.add("c-c")
    def _(event):
        event.app.exit()

    @keys.add("escape", eager=True)
    def _(event):
        nonlocal scroll
        follower.view.panel, follower.view.note, scroll = None, "", 0

    for key in {*KEYS, *ROOM_KEYS} - {"q"}:

        @keys.add(key)
        def _(event, key=key):
            nonlocal scroll
            scroll = 0
            follower.press(key)

    for key, lines in {"up": -1, "down": 1, "pageup": -15, "pagedown": 15}.items():

        @keys.add(key)
        def _(event, lines=lines):
            nonlocal scroll
            scroll = max(0, scroll + lines)

    body = Window(
        FormattedTextControl(shown), wrap_lines=False, get_vertical_scroll=lambda window: scroll
    )
    footer = Window(
        FormattedTextControl(lambda: ANSI(text(keys_line(), 10_000, color).rstrip())),
        height=1,
    )
    app = Application(
        Layout(HSplit([body, footer])), key_bindings=keys, full_screen=True, **terminal
    )
    # Échap répond aussitôt : on n'attend pas la suite d'une séquence de touches.
    app.ttimeoutlen = 0.05
    follower.refresh = app.invalidate
    works = (follower.watch(), follower.verify(), follower.keep_presence())
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await app.run_async()
    finally:
        follower.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
