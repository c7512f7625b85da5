"""Un robot suit un chapitre à la lettre, comme quelqu'un qui apprend.

Il tape chaque commande légendée dans son terminal, écrit chaque fichier, applique chaque
différence, et compare ce qu'il voit à ce que le chapitre annonce.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from unittest import mock

import pytest
from rich.console import Console

from tests.browser import browser_page, paste
from tests.networks import MachineNetwork, script
from workshop.chapters.replay import apply
from workshop.chapters.steps import SERVING, Run, Step, Stop, all_steps, find_step
from workshop.checking import explaining
from workshop.checking.checking import check
from workshop.commands.learning import show_report
from workshop.project.catching_up import MIGRATE
from workshop.project.python import project_python

LAUNCHER = "python3 atelier.py"
TERMINALS = ("projet", "atelier", *SERVING.split("|"))
RELOAD_SECONDS = 2
# Ce qui ne rend pas la main, et ce que dit runserver quand il est prêt.
SERVES = re.compile(
    r"python manage\.py runserver( \d+)?$|python serve\.py \d+$|nginx (?!.* -s ).+$|"
    rf"{re.escape(LAUNCHER)} (redis|postgresql)( --port \d+)?$|python people\.py$"
)
READY, FAILS = "Quit the server", "ImproperlyConfigured"
# Celles dont un but ne se juge pas sans ceux d'avant.
WHOLE = ("01", "13")
# Un réseau à soi ne mène nulle part : pip passe par celui de la machine.
INSTALL = "python -m pip install "
ANNOUNCED = re.compile(r"^  ([✔✘]) (.+)$", re.M)


class Terminal:
    """Un terminal : le dossier et l'environnement y restent d'une commande à l'autre."""

    def __init__(
        self, folder: Path, environment: dict[str, str], notes: Path, network: MachineNetwork
    ):
        self.folder, self.environment, self.notes = folder, environment, notes
        self.network = network
        self.server = None
        self.log = notes.with_suffix(".log")

    def type(self, commands: list[str], timeout: float = 300) -> tuple[int, str]:
        """Tape des commandes ; renvoie le code de la dernière et ce qu'elles impriment."""
        notes = shlex.quote(str(self.notes))
        lines = [*commands, "status=$?", f"pwd > {notes}", f"env -0 >> {notes}", "exit $status"]
        shell = ["bash", "-c", "\n".join(lines)]
        outside = any(command.startswith(INSTALL) for command in commands)
        done = subprocess.run(
            shell if outside else self.network.inside(shell),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=timeout,
        )
        folder, variables = self.notes.read_text("utf-8").split("\n", 1)
        self.folder = Path(folder)
        self.environment = dict(pair.split("=", 1) for pair in variables.split("\0") if pair)
        return done.returncode, done.stdout

    @property
    def serving(self) -> bool:
        return self.server is not None and self.server.poll() is None

    def serve(self, command: str, announced: str | None = None) -> str:
        """Démarre un serveur s'il ne tourne pas ; renvoie son journal, une fois prêt ou arrêté.

        Il est prêt quand il écoute et qu'il a dit ce que le chapitre annonce ; celui que le
        chapitre fait échouer n'écoute pas.
        """
        if not self.serving:
            self.command = command
            # Si les tests sont tués, le tube se ferme, et le serveur s'arrête avec eux.
            guard = "exec 3<&0; (read -r <&3; kill -TERM 0) &"
            with self.log.open("wb") as log:
                self.server = subprocess.Popen(
                    self.network.inside(["bash", "-c", f"{guard} exec {command} </dev/null"]),
                    cwd=self.folder,
                    env=self.environment | {"PYTHONUNBUFFERED": "1"},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            deadline = time.monotonic() + 30
            ready = announced or (READY if "runserver" in command else "")
            while time.monotonic() < deadline and self.serving:
                said = self.log.read_text("utf-8")
                listens = FAILS in ready or self.network.listening(port_of(command))
                if listens and all(line in said for line in ready.splitlines()):
                    break
                time.sleep(0.1)
            # Le serveur ne voit pas un fichier changé dans sa première seconde.
            time.sleep(RELOAD_SECONDS)
        return self.log.read_text("utf-8")

    def restart(self) -> None:
        if self.serving:
            self.stop()
            self.serve(self.command)

    def stop(self) -> None:
        """Tape Ctrl-C."""
        if self.serving:
            os.killpg(self.server.pid, signal.SIGINT)
            self.server.wait(timeout=10)
            self.server.stdin.close()


def port_of(command: str) -> int:
    """Renvoie le port qu'écoutera ce que lance une commande."""
    if found := re.search(r"(?:runserver|serve\.py|--port) (\d+)", command):
        return int(found[1])
    known = {"redis": 6379, "postgresql": 5432, "stderr": 8443}
    return known.get(command.split()[-1], 8000)


def read_all(terminal: int) -> None:
    """Lit ce qui s'affiche, jusqu'à la fin : un terminal plein bloque celui qui écrit."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 4096):
            pass


def path_without_black(folder: Path) -> str:
    """Renvoie un PATH où `python3` est celui des tests, et où Django ne trouve pas black.

    S'il le trouvait, startproject reformaterait ce qu'il écrit (le chapitre 02 le dit).
    """
    (folder / "bin").mkdir()
    (folder / "bin/python3").symlink_to(Path(sys.executable).resolve())
    others = os.environ["PATH"].split(os.pathsep)
    kept = [one for one in others if not (Path(one) / "black").exists()]
    return os.pathsep.join([str(folder / "bin"), *kept])


def is_announced(act: Run | Stop, said: str) -> bool:
    """Renvoie True si ce qu'un chapitre annonce d'une commande est ce qu'elle a dit.

    Un programme du projet est annoncé en entier ; « … » y tient lieu de ce que l'on ne montre pas,
    des lignes ou la fin d'une ligne. D'un serveur, d'une suite de tests, d'une commande de
    l'atelier, on annonce les lignes à regarder, parmi d'autres.
    """
    announced = (act.output or "").splitlines()
    command = act.commands[-1] if isinstance(act, Run) else ""
    long = act.terminal == "atelier" or re.search(r"runserver|serve\.py|pytest", command)
    if long or not announced:
        return all(line in said for line in announced)
    anything = r"(?:.*\n)*?"
    shown = (re.escape(line.rstrip()).replace("…", ".*") + r" *\n" for line in announced)
    lines = [anything if line == "…" else one for line, one in zip(announced, shown, strict=True)]
    return bool(re.fullmatch("".join(lines) + r"\s*", said.rstrip() + "\n"))


def _is_typed_in(act, terminal: str) -> bool:
    return isinstance(act, Run) and act.terminal == terminal


class Robot:
    """Suit les chapitres dans `root`, une copie neuve du dépôt.

    `chromium` est le chemin de celui qui donne sa voix à l'étape 06.
    """

    chromium: str
    caught_up = False

    def __init__(self, root: Path, notes: Path, network: MachineNetwork):
        self.root, self.project, self.notes = root, root / "live", notes
        self.network = network
        hidden = ("VIRTUAL_ENV", "PYTHONPATH", "DJANGO_SETTINGS_MODULE")
        environment = {key: value for key, value in os.environ.items() if key not in hidden}
        environment["PATH"] = path_without_black(notes)
        self.terminals = {
            name: Terminal(root, environment, notes / name, network) for name in TERMINALS
        }

    def follow(self, step: Step) -> str:
        """Fait tout ce que dit un chapitre ; renvoie ce que le client y a entendu en dernier."""
        answer, self.slug, changed = "", step.slug, False
        acts, self.caught_up = step.acts[self.caught_up :], False
        for act in acts:
            # Des fichiers écrits d'affilée ne relancent le serveur qu'une fois.
            if changed and isinstance(act, Run) and self.terminals["serveur"].serving:
                time.sleep(RELOAD_SECONDS)
            changed = not isinstance(act, Run | Stop)
            match act:
                case Run(terminal="atelier"):
                    self.check(act)
                case Run(commands=[*before, command]) if SERVES.match(command):
                    terminal = self.terminals[act.terminal]
                    if before:
                        terminal.type(before)
                    self.compare(act, terminal.serve(self.local(command), act.output))
                case Run():
                    said = self.run(act)
                    if act.commands == ["python client.py"]:
                        answer = said
                case Stop():
                    self.terminals[act.terminal].stop()
                    if act.output:
                        self.compare(act, self.terminals[act.terminal].log.read_text("utf-8"))
                case _:
                    apply(act, self.project, step.slug)
        return answer

    def local(self, command: str) -> str:
        """Renvoie une commande, par le même Python que les tests si elle est de l'atelier."""
        return command.replace(LAUNCHER, f"{shlex.quote(sys.executable)} -m workshop")

    def run(self, act: Run) -> str:
        terminal = self.terminals[act.terminal]
        status, said = terminal.type(act.commands)
        asks = act.terminal == "projet" and act.output and "runserver" not in act.commands[0]
        # Le serveur met un moment à se relancer. S'il a manqué le changement, on suit le conseil
        # du chapitre 05 : l'arrêter et le redémarrer.
        for patience in (RELOAD_SECONDS, RELOAD_SECONDS, 0, RELOAD_SECONDS):
            if asks and not is_announced(act, said):
                time.sleep(patience)
                if not patience:
                    for name in ("serveur", "second serveur"):
                        self.terminals[name].restart()
                status, said = terminal.type(act.commands)
        assert status == 0 or act.output, f"{act.commands} échoue : {said}"
        self.compare(act, said)
        return said

    def catch_up(self, step: Step) -> None:
        """Rend le projet prêt à commencer une étape, et rouvre les terminaux, comme au chapitre 01.

        Avant la première, il n'y a rien à faire. Ensuite, un chapitre s'ouvre sur la vérification
        qui a fermé le précédent, sur le même projet : elle ne se refait pas.
        """
        if step.number == 1:
            return
        assert step.acts[0].commands[0].startswith(f"{LAUNCHER} verifier ")
        self.caught_up = True
        said = self.workshop(["rattraper", step.slug[:2], "--oui"])
        reopened = next(act for act in all_steps()[0].acts if _is_typed_in(act, "serveur"))
        for name in ("serveur", "projet"):
            assert self.terminals[name].type(reopened.commands)[0] == 0
        if MIGRATE in said:
            assert self.terminals["projet"].type([MIGRATE])[0] == 0

    def check(self, act: Run) -> None:
        """Lance une commande de l'atelier."""
        for command in act.commands:
            assert command.startswith(LAUNCHER)
            arguments = shlex.split(command.removeprefix(LAUNCHER))
            if arguments == ["verifier", "06"]:
                assert self.voice() == 0
                continue
            unfinished = bool(act.output and "✘" in act.output)
            judges = arguments[0] == "verifier" and find_step(arguments[1])
            if unfinished and judges and arguments[1] not in WHOLE:
                self.compare(act, self.judge(judges, act.output))
            elif judges and not unfinished and judges != all_steps()[-1]:
                self.compare(act, self.verdict(judges))
            else:
                self.compare(act, self.workshop(arguments, status=int(unfinished)))

    def verdict(self, step: Step) -> str:
        """Juge les buts d'une étape ; renvoie ce que dit `verifier`.

        Ce qui était acquis ne se juge qu'une fois, par la commande, à la dernière étape.
        """
        report = check(step, self.project, project_python(self.project))
        assert report.passed, report.as_json()
        said = StringIO()
        show_report(Console(file=said, width=200), step, report)
        return said.getvalue()

    def judge(self, step: Step, output: str) -> str:
        """Juge les seuls buts qu'annonce le milieu d'un chapitre, sans chercher ce qui répare.

        La vérification entière, elle, se lance à la fin du chapitre.
        """
        with TemporaryDirectory() as empty:
            ids = {goal.text: goal.id for goal in check(step, Path(empty), "").goals}
        announced = [found[2] for found in ANNOUNCED.finditer(output)]
        for text in announced:
            assert text in ids, f"{self.slug} : aucun but ne dit « {text} »"
        chosen = " ".join(ids[text] for text in announced)
        with mock.patch.object(explaining, "SECONDS", 0):
            report = check(step, self.project, project_python(self.project), goal=chosen)
        states = {goal.id: goal.state for goal in report.goals}
        marks = {"passed": "✔", "failed": "✘", "waiting": "·"}
        return "\n".join(f"  {marks[states[ids[text]]]} {text}" for text in announced)

    def workshop(self, arguments: list[str], status: int = 0) -> str:
        """Lance une commande de l'atelier, par le même Python que les tests."""
        done = subprocess.run(
            [sys.executable, "-m", "workshop", *arguments],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=900,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def voice(self) -> int:
        """Vérifie l'étape 06 dans un vrai terminal, pendant qu'un Chromium colle `console.js`."""
        master, slave = os.openpty()
        verdict = subprocess.Popen(
            self.network.inside([sys.executable, "-m", "workshop", "verifier", "06"]),
            cwd=self.root,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        screen = Thread(target=read_all, args=[master], daemon=True)
        screen.start()
        chromium = script(self.network, self.chromium, self.notes / "chromium")
        with browser_page(chromium) as page:
            while verdict.poll() is None:
                page.goto("http://127.0.0.1:8000/")
                paste(page, (self.project / "console.js").read_text("utf-8"))
                page.wait_for_timeout(1000)
        screen.join(timeout=5)
        os.close(master)
        return verdict.returncode

    def compare(self, act: Run | Stop, said: str) -> None:
        """Ce qu'annonce le chapitre est vu, au caractère près."""
        if not is_announced(act, said):
            log = self.terminals["serveur"].log.read_text("utf-8")[-1500:]
            pytest.fail(
                f"{self.slug}, ligne {act.line} : annoncé :\n{act.output}\nvu :\n{said}\n{log}"
            )
