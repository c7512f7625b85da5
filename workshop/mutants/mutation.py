"""Met une suite de tests à l'épreuve : elle doit réussir sur le chat, et échouer s'il est cassé.

Un mutant est un chat cassé d'une seule façon : un texte écrit comme un chapitre, appliqué sur la
solution de l'étape. Son titre dit ce qu'il casse. La suite passe sur chaque mutant avec le Python
de l'apprenant, plusieurs à la fois.
"""

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten

from workshop.chapters.replay import apply
from workshop.chapters.steps import read_acts
from workshop.project.files import copied, copy_project
from workshop.project.naming import names_of, rename
from workshop.project.python import settings_module
from workshop.system.processes import OWN_GROUP, project_environment

SUITE = Path(__file__).with_name("suite.py")
# Les options que la machine donne à pytest ne doivent rien changer au verdict.
HIDDEN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
SECONDS = 45
POLL = 0.05
LONGEST_MESSAGE = 160
OK, FAILED, INTERRUPTED, NO_TESTS, NO_PYTEST = 0, 1, 2, 5, 70


@dataclass(frozen=True)
class Mutant:
    """Un chat cassé ; `text` dit ce qu'il faut changer au vrai."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def text(self) -> str:
        return self.path.read_text("utf-8")

    @property
    def title(self) -> str:
        """Ce qu'il casse, en une phrase sans point."""
        return self.text.splitlines()[0].removeprefix("# ")

    def apply(self, project: Path) -> None:
        """Casse ce projet."""
        for act in read_acts(self.text, self.name):
            apply(act, project, self.name)


def all_mutants(folder: Path) -> list[Mutant]:
    """Renvoie les mutants d'un dossier."""
    return [Mutant(path) for path in sorted(folder.glob("*.md"))]


@dataclass
class Verdict:
    """Ce qu'a donné une suite de tests.

    `code` est celui de pytest, None si elle n'a pas fini à temps ; `notes` est ce qui s'est passé
    (voir suite.py), `output` ce qu'elle a écrit, `seconds` ce qu'elle a duré.
    """

    code: int | None
    notes: list[dict] = field(default_factory=list)
    output: str = ""
    seconds: float = 0

    def noted(self, key: str) -> list[dict]:
        """Renvoie les notes de cette sorte."""
        return [note for note in self.notes if key in note]

    @property
    def passed(self) -> list[dict]:
        """Les tests verts."""
        return [test for test in self.noted("test") if test["outcome"] == "passed"]

    @property
    def failed(self) -> dict | None:
        """Le premier test rouge."""
        return next((test for test in self.noted("test") if test["outcome"] == "failed"), None)

    @property
    def broken(self) -> dict | None:
        """Le premier fichier de tests que pytest n'a pas pu lire."""
        return next(iter(self.noted("broken")), None)

    @property
    def lines(self) -> list[tuple[str, int]]:
        """Les lignes des tests où est passé le test rouge, de l'extérieur vers l'intérieur."""
        frames = self.failed.get("frames", []) if self.failed else []
        if self.broken:
            frames = re.findall(r"^(\S+\.py):(\d+): in ", self.broken["message"], re.M)
        return [(file, int(line)) for file, line in frames if is_of_tests(file)]

    @property
    def running(self) -> str:
        """Le dernier test commencé."""
        return ([note["running"] for note in self.noted("running")] or [""])[-1]

    @property
    def endless(self) -> bool:
        """True si elle n'est pas allée au bout : arrêtée par nous, ou par sa propre minuterie."""
        return self.code is None or bool(self.running and not self.noted("finished"))

    @property
    def green(self) -> bool:
        return self.code == OK and bool(self.passed)

    @property
    def caught(self) -> bool:
        """True si un test a échoué, et que la suite s'est finie d'elle-même."""
        return self.code == FAILED and self.failed is not None and not self.endless


def is_of_tests(file: str) -> bool:
    """Renvoie True si un fichier est aux tests, et non au chat."""
    return bool(file) and (not file.startswith(("chat/", "live/")) or "test" in file)


class SuiteError(AssertionError):
    """Une suite qui ne fait pas ce qu'un but lui demande.

    `verdict` est ce qu'elle a donné ; `tested` dit sur quoi : « votre chat », par exemple.
    """

    def __init__(self, sentence: str, verdict: Verdict, tested: str):
        super().__init__(sentence)
        # Pour la trace de la vérification.
        print(verdict.output)
        self.verdict, self.tested, self.log = verdict, tested, verdict.output


def require_green(verdict: Verdict, tested: str) -> None:
    """Lève SuiteError, qui dit pourquoi, si cette suite n'est pas verte."""
    if not verdict.green:
        raise SuiteError(why_not_green(verdict, tested), verdict, tested)


def why_not_green(verdict: Verdict, tested: str) -> str:
    """Renvoie, en une phrase, ce qui arrive à une suite qui devait réussir sur `tested`."""
    if verdict.code == NO_PYTEST:
        return "pytest n'est pas installé dans l'environnement de votre projet."
    if verdict.endless and verdict.running:
        return (
            f"Sur {tested}, le test {short(verdict.running)} ne finit pas : il attend quelque "
            "chose qui ne vient jamais."
        )
    if verdict.endless:
        return f"Sur {tested}, pytest n'a commencé aucun test en {SECONDS} secondes."
    if verdict.failed:
        return f"Sur {tested}, le test {short(verdict.failed['test'])} échoue. {error(verdict)}"
    if verdict.broken:
        last = [line for line in verdict.broken["message"].splitlines() if line.strip()][-1]
        name = verdict.broken["broken"] or "vos tests"
        return f"pytest ne peut pas lire {name} : {last.removeprefix('E').strip()}."
    if verdict.code == NO_TESTS:
        return "pytest ne trouve aucun test dans votre projet."
    if verdict.code == OK:
        return "Aucun de vos tests n'a eu lieu : tous sont sautés."
    lines = [line for line in verdict.output.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "rror" in line), (lines or ["(rien)"])[-1])
    return f"pytest ne démarre pas. Il écrit : {last.removeprefix('E').strip()}."


def error(verdict: Verdict) -> str:
    """Renvoie l'exception du test rouge, en une phrase."""
    lines = [line.strip() for line in verdict.failed.get("message", "").splitlines()]
    message = shorten(next(filter(None, lines), ""), LONGEST_MESSAGE, placeholder=" […]")
    kind = verdict.failed.get("kind", "")
    sentence = f"{kind} : {message}" if message else kind
    return sentence if sentence.endswith((".", "!", "?", "]")) else f"{sentence}."


def short(test: str) -> str:
    """Renvoie le nom d'un test, sans les cas que pytest lui ajoute."""
    return test.rpartition("::")[2].partition("[")[0]


def with_tests_of(
    learner: Path, chat: Path, folder: Path, change: Callable[[Path], None] = lambda project: None
) -> Path:
    """Copie un chat dans `folder`, avec les tests de l'apprenant, et renvoie le projet.

    `change` modifie d'abord ce chat, qui prend ensuite les noms de l'apprenant. Puis, ses tests,
    leurs réglages, ce dont ils se servent : tout fichier que le chat n'a pas, sauf une migration.
    """
    copy_project(chat, folder)
    change(folder)
    rename(folder, names_of(learner, settings_module(learner)))
    for path in copied(learner):
        place = folder / path.relative_to(learner)
        if not place.exists() and "migrations" not in place.parts:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return folder


class Renamed(ast.NodeTransformer):
    """Change le nom de ce qu'un consommateur range dans `self`."""

    def visit_ClassDef(self, node):
        if any(ast.unparse(base).endswith("WebsocketConsumer") for base in node.bases):
            attributes = [one for one in ast.walk(node) if isinstance(one, ast.Attribute)]
            own = [one for one in attributes if ast.unparse(one.value) == "self"]
            stored = {one.attr for one in own if isinstance(one.ctx, ast.Store)}
            for one in own:
                one.attr += "_" * (one.attr in stored)
        return node


def rewrite(project: Path) -> None:
    """Écrit autrement le chat d'un projet : mêmes octets sur le fil, autres noms, autre allure."""
    for path in (project / "chat").glob("*.py"):
        tree = Renamed().visit(ast.parse(path.read_text("utf-8")))
        path.write_text(ast.unparse(tree) + "\n", "utf-8")


class Runner:
    """Lance des suites avec un Python, l'une après l'autre. Un processus peut en servir plusieurs.

    `stop` arrête ce qui tourne ; rien ne survit non plus au processus qui s'en sert.
    """

    def __init__(self, python: str, *options: str):
        self.command = [python, str(SUITE), *options]
        self.process: subprocess.Popen | None = None

    def run(self, project: Path, reverse: bool = False, seconds: float = SECONDS) -> Verdict:
        """Lance la suite d'un projet, `seconds` au plus."""
        notes, output = (project.with_suffix(end) for end in (".notes", ".output"))
        request = {"folder": str(project), "notes": str(notes), "output": str(output)}
        began = time.monotonic()
        if not self.process or self.process.poll() is not None:
            self.start()
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(request | {"reverse": reverse}).encode() + b"\n")
            self.process.stdin.flush()
        verdict = Verdict(None)
        while verdict.code is None and verdict.seconds < seconds:
            time.sleep(POLL)
            verdict.seconds = time.monotonic() - began
            ended = self.process.poll()
            verdict.notes = read_notes(notes)
            verdict.code = next((note["code"] for note in verdict.noted("code")), ended)
        if verdict.code is None:
            self.stop()
        verdict.output = output.read_text("utf-8", "replace") if output.is_file() else ""
        return verdict

    def start(self) -> None:
        """Démarre un processus, dans son propre groupe."""
        environment = project_environment()
        environment = {key: value for key, value in environment.items() if key not in HIDDEN}
        self.process = subprocess.Popen(
            self.command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **OWN_GROUP,
        )

    def stop(self) -> None:
        """Arrête la suite en cours, et ce qu'elle a lancé."""
        if not self.process:
            return
        # Le tube fermé, le processus s'arrête, avec ceux qu'il a lancés.
        self.process.stdin.close()
        self.process.wait()
        if os.name != "nt":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None


def read_notes(path: Path) -> list[dict]:
    """Renvoie les notes prises jusqu'ici ; une ligne à moitié écrite attend la fois suivante."""
    notes = []
    if path.is_file():
        for line in path.read_text("utf-8", "replace").splitlines():
            with contextlib.suppress(ValueError):
                notes.append(json.loads(line))
    return notes


class Trials:
    """Les épreuves d'une suite, plusieurs à la fois, de l'entrée à la sortie d'un bloc `with`.

    `learner` est le projet qui a la suite, `chat` celui sur lequel on la lance, `folder` un dossier
    où travailler.
    """

    def __init__(self, learner: Path, chat: Path, python: str, folder: Path):
        self.learner, self.chat, self.python, self.folder = learner, chat, python, folder
        self.pool = ThreadPoolExecutor(os.cpu_count())
        self.local = threading.local()
        self.runners: list[Runner] = []

    def __enter__(self) -> "Trials":
        return self

    def __exit__(self, *_) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        for runner in self.runners:
            runner.stop()
        self.pool.shutdown()

    def own(self) -> Future[Verdict]:
        """Lance la suite sur le projet de qui l'a écrite."""
        project = self._place()
        copy_project(self.learner, project)
        return self.pool.submit(self._run, project)

    def on(
        self, change: Callable[[Path], None] = lambda project: None, **options
    ) -> Future[Verdict]:
        """Lance la suite sur le chat, dont `change` modifie d'abord le projet.

        `options` sont celles de Runner.run.
        """
        project = with_tests_of(self.learner, self.chat, self._place(), change)
        return self.pool.submit(self._run, project, **options)

    def _place(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self.folder)) / "live"

    def _run(self, project: Path, **options) -> Verdict:
        if not hasattr(self.local, "runner"):
            self.local.runner = Runner(self.python)
            self.runners.append(self.local.runner)
        return self.local.runner.run(project, **options)
