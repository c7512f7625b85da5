"""Les processus qui jugent : prêts d'avance, et nés d'un seul là où le système le permet.

Un juge passe la moitié de son temps à importer Django. Sous Linux, où un processus se duplique sans
risque, on n'importe qu'une fois ; chaque juge reste un processus neuf, qui ne sert qu'un projet.
"""

import contextlib
import json
import multiprocessing
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from workshop.basics import ROOT
from workshop.browsers import sharing
from workshop.chapters.steps import Step
from workshop.system import nursed
from workshop.system.processes import project_environment

JUDGING = "workshop.checking.judging"
# Le serveur de l'apprenant, que l'étape 06 écoute.
SERVER = "http://127.0.0.1:8000"
# Le chemin d'une prise a 107 octets au plus, et multiprocessing en prend 32 après le dossier.
FORKS = sys.platform == "linux" and len(os.fsencode(tempfile.gettempdir())) < 75
if FORKS:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workshop.checking.preloading"])


class Judge:
    """Un processus prêt à juger une étape ; il n'a encore rien lu d'aucun projet.

    Il ne sert qu'une fois. À la fin d'un bloc `with`, il n'en reste rien.
    """

    def __init__(self, step: Step):
        self.step = step
        self.folder = tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True)
        self.trace_path = Path(self.folder.name) / "trace.txt"
        start = _Duplicated if FORKS else _launched
        with self.trace_path.open("wb") as trace:
            self.process = start(str(step.folder), trace)

    @property
    def trace(self) -> str:
        """Tout ce que la vérification a écrit, le projet compris."""
        return self.trace_path.read_text("utf-8", errors="replace")

    def judge(self, request: dict[str, str], deadline: float) -> Iterator[dict | None]:
        """Donne les nouvelles, une à une ; None à chaque dixième de seconde qui n'en apporte pas.

        S'arrête avec le processus, ou au bout de `deadline` secondes.
        """
        news = queue.SimpleQueue()
        threading.Thread(target=_read, args=(self.process.stdout, news), daemon=True).start()
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            try:
                line = news.get(timeout=0.1)
            except queue.Empty:
                yield None
                continue
            if not line:
                return
            yield json.loads(line)

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Arrête le processus, où qu'il en soit."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.folder.cleanup()


def request(project: Path, origin: Path, python: str, step: Step, **more: str) -> dict[str, str]:
    """Renvoie ce que l'on demande à un juge : les variables qui disent quel projet, et comment.

    `project` est la copie que l'on juge, `origin` le dossier de l'apprenant. `python` est celui du
    projet ; vide, celui de l'atelier le remplace, sauf à l'étape 01, dont c'est l'objet.
    """
    return {
        "ATELIER_PROJECT": str(project),
        "ATELIER_ORIGIN": str(origin),
        "ATELIER_PYTHON": python if step.number == 1 else python or sys.executable,
        "ATELIER_LISTEN": "0",
        "ATELIER_SERVER": SERVER,
        "ATELIER_HEARD": "",
        "ATELIER_GOAL": "",
        "ATELIER_TRIAL": "",
        sharing.VARIABLE: sharing.shared(),
        nursed.ADDRESS: nursed.address(python or sys.executable),
        **more,
    }


def reaches(
    judge: Judge, asked: dict[str, str], goal: str, seconds: float, alive: Callable[[], None]
) -> bool:
    """Juge un seul but ; renvoie True s'il est vert. `alive`, appelé souvent, peut tout arrêter."""
    for news in judge.judge(asked | {"ATELIER_GOAL": goal, "ATELIER_TRIAL": "1"}, seconds):
        alive()
        for one in (news or {}).get("goals", ()):
            if one["id"] == goal and one["state"] != "waiting":
                return one["state"] == "passed"
    return False


def _read(stream, news: queue.SimpleQueue) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in stream:
            news.put(line)
    news.put(b"")


def _launched(folder: str, trace: BinaryIO) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", JUDGING, folder],
        cwd=ROOT,
        env=project_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=trace,
    )


class _Duplicated:
    """Un processus dupliqué de celui où tout est importé, avec ce que l'on demande à un Popen."""

    def __init__(self, folder: str, trace: BinaryIO):
        (stdin, requests), (news, stdout) = context.Pipe(False), context.Pipe(False)
        self.process = context.Process(
            target=_judge, args=[folder, stdin, stdout, trace.name], daemon=True
        )
        self.process.start()
        self.pid = self.process.pid
        self.stdin = os.fdopen(os.dup(requests.fileno()), "wb")
        self.stdout = os.fdopen(os.dup(news.fileno()), "rb")
        self.kill, self.wait = self.process.kill, self.process.join
        for end in (stdin, requests, news, stdout):
            end.close()


def _judge(folder: str, stdin, stdout, trace: str) -> None:
    from workshop.checking import judging

    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(project_environment())
    with Path(trace).open("ab") as errors:
        for mine, standard in zip((stdin, stdout, errors), (0, 1, 2), strict=True):
            os.dup2(mine.fileno(), standard)
    # multiprocessing en avait fermé l'entrée standard.
    sys.stdin = os.fdopen(0, encoding="utf-8")
    stdin.close()
    stdout.close()
    os._exit(judging.main(folder))
