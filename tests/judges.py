"""Des vérifications par centaines : leurs juges naissent d'un seul processus, déjà prêt.

Un juge passe la moitié de son temps à importer Django. Sous Linux, où un processus se duplique sans
risque, on n'importe qu'une fois ; chaque juge reste un processus neuf, qui ne sert qu'un projet.
"""

import multiprocessing
import os
import sys
from pathlib import Path
from typing import BinaryIO

from workshop.basics import ROOT
from workshop.chapters.steps import Step
from workshop.checking import checking, judging
from workshop.checking.checking import Judge, Report
from workshop.system.processes import project_environment

FORKS = sys.platform == "linux"
if FORKS:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *judging.PRELOADED])


def check(step: Step, project: Path, python: str) -> Report:
    """Vérifie comme `workshop.checking.check`, par un juge né plus vite si le système le permet."""
    judge = QuickJudge(step) if FORKS else Judge(step)
    return checking.check(step, project, python, judge=judge)


class QuickJudge(Judge):
    """Un juge dupliqué d'un processus où tout est importé."""

    def _start(self, trace: BinaryIO) -> "Twin":
        return Twin(str(self.step.folder), trace)


class Twin:
    """Un processus dupliqué, avec ce que l'on demande à un Popen."""

    def __init__(self, folder: str, trace: BinaryIO):
        (stdin, requests), (news, stdout) = context.Pipe(False), context.Pipe(False)
        self.process = context.Process(
            target=_judge, args=[folder, stdin, stdout, trace.name], daemon=True
        )
        self.process.start()
        self.stdin = os.fdopen(os.dup(requests.fileno()), "wb")
        self.stdout = os.fdopen(os.dup(news.fileno()), "rb")
        self.kill, self.wait = self.process.kill, self.process.join
        for end in (stdin, requests, news, stdout):
            end.close()


def _judge(folder: str, stdin, stdout, trace: str) -> None:
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
