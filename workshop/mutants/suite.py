"""Lance les tests d'un projet, et note ce qui s'y passe pour celui qui l'a demandé.

Chaque ligne de l'entrée standard est une demande en JSON : le dossier du projet, les fichiers où
écrire les notes et la sortie, l'ordre des tests. Sous Linux, ce processus charge Django et Channels
une fois, et se dédouble à chaque demande ; ailleurs, il n'en sert qu'une. Quand l'entrée standard
finit, il s'arrête avec tous ceux qu'il a lancés. Bibliothèque standard et pytest : le Python est
celui de l'apprenant.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec

try:
    import pytest
except ImportError:
    pytest = None

NEEDED = ("pytest", "pytest_django", "pytest_asyncio")
NO_PYTEST = 70
# Long à importer, et le même pour tous les projets.
PRELOADED = (
    "channels.auth",
    "channels.generic.websocket",
    "channels.testing",
    "daphne.server",
    "django.contrib.admin",
    "django.core.management",
    "django.test",
    "websockets.asyncio.client",
)


class Notes:
    """Greffon pytest : note les tests, leurs échecs, et les coroutines que personne n'attend."""

    def __init__(self, path, reverse):
        # Ouvert jusqu'à la fin du processus.
        self.file = open(path, "a", encoding="utf-8")  # noqa: SIM115, PTH123
        self.reverse = reverse
        self.folder = os.getcwd() + os.sep  # noqa: PTH109

    def note(self, **news):
        print(json.dumps(news), file=self.file, flush=True)

    def pytest_runtest_logstart(self, nodeid):
        self.note(running=nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.note(broken=report.nodeid, message=str(report.longrepr))

    def pytest_warning_recorded(self, warning_message):
        if "was never awaited" in str(warning_message.message):
            self.note(warning=str(warning_message.message), **self.origin(warning_message.source))

    def pytest_sessionfinish(self, exitstatus):
        self.note(finished=int(exitstatus))

    if pytest:

        @pytest.hookimpl(trylast=True)
        def pytest_collection_modifyitems(self, items):
            if self.reverse:
                items.reverse()

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(self, item, call):
            report = yield
            if report.when == "call" or not report.passed:
                self.note(test=item.nodeid, outcome=report.outcome, **self.error(call))
            return report

    def error(self, call):
        """Renvoie l'exception d'un test, et ses lignes dans les fichiers du projet."""
        if call.excinfo is None:
            return {}
        frames = [
            (self.relative(entry.path), entry.lineno + 1)
            for entry in call.excinfo.traceback
            if str(entry.path).startswith(self.folder)
        ]
        value = call.excinfo.value
        if isinstance(value, BaseExceptionGroup):
            value = value.exceptions[0]
        # Ce que pytest a recueilli pendant que Python jetait un objet.
        if isinstance(value, Warning) and value.__cause__:
            value = value.__cause__
        message = str(value)
        if name := getattr(value, "argname", None):
            message = f"fixture '{name}' not found"
        return {"kind": type(value).__name__, "message": message, "frames": frames}

    def origin(self, coroutine):
        """Renvoie la ligne du projet qui a créé une coroutine."""
        for file, line, _ in getattr(coroutine, "cr_origin", None) or ():
            if file.startswith(self.folder):
                return {"file": self.relative(file), "line": line}
        return {}

    def relative(self, file):
        return str(file).removeprefix(self.folder).replace(os.sep, "/")


def run(folder, notes, output, reverse):
    """Lance les tests d'un dossier ; renvoie le code de pytest."""
    sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.chdir(folder)
    sys.path[0] = folder
    # Pour retrouver la ligne d'un « await » oublié.
    sys.set_coroutine_origin_tracking_depth(20)
    taken = Notes(notes, reverse)
    taken.note(missing=[name.replace("_", "-") for name in NEEDED if not find_spec(name)])
    if pytest is None:
        return NO_PYTEST
    options = ["-x", "-p", "no:cacheprovider", "-p", "no:anyio"]
    options += ["--no-migrations"] if find_spec("pytest_django") else []
    return int(pytest.main(options, plugins=[taken]))


def serve(pipe):
    """Sert les demandes, chacune dans un nouveau processus."""
    for name in PRELOADED:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for line in pipe:
        request = json.loads(line)
        child = os.fork()
        if not child:
            code = serve_one(request)
            # Ni tampon ni greffon du père n'ont à finir ici.
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with open(request["notes"], "a", encoding="utf-8") as notes:  # noqa: PTH123
            print(json.dumps({"code": code}), file=notes)


def serve_one(request):
    # pytest met autre chose à la place de l'entrée standard.
    threading.Thread(target=watch_parent, args=[os.dup(0)], daemon=True).start()
    code = run(**request)
    sys.stdout.flush()
    return code


def watch_parent(pipe):
    while os.read(pipe, 1):
        pass
    if os.name == "nt":
        command = ["taskkill", "/F", "/T", "/PID", str(os.getpid())]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    else:
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    requests = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115
    if sys.platform == "linux" and "--no-fork" not in sys.argv:
        serve(requests)
    else:
        sys.exit(serve_one(json.loads(requests.readline())))
