"""`lire` qui tourne pour de bon, sur un projet à part."""

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from unittest import mock

from workshop.basics import ROOT
from workshop.reading.pages import made_pages
from workshop.system import memory
from workshop.system.processes import free_port, listening, project_environment

COMMAND = """
import sys
from pathlib import Path
from workshop import basics

folder = Path(sys.argv.pop(1))
basics.LIVE = folder / "live"
from workshop.system import memory

memory.PROGRESS = folder / ".atelier"
from workshop.commands.main import main

main()
"""


class RunningReader:
    """La commande `lire` sur un port libre ; `project` est le projet qu'elle suit."""

    def __init__(self, folder: Path):
        self.folder, self.project, self.port = folder, folder / "live", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "lire.txt"
        self.process: subprocess.Popen | None = None

    def command(self, *options: str) -> list[str]:
        said = [sys.executable, "-c", COMMAND, str(self.folder), "lire", "--sans-navigateur"]
        return [*said, "--port", str(self.port), *options]

    def start(self) -> None:
        """La lance, et attend qu'elle écoute."""
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env=project_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 120
        while not listening(self.port):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def stop(self) -> int:
        """L'arrête comme Ctrl-C ; renvoie son code de sortie."""
        # Windows n'a pas ce signal pour un autre processus.
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")


@cache
def kept_pages() -> tempfile.TemporaryDirectory:
    """Renvoie une mémoire de l'atelier où les pages sont faites : une fois par processus."""
    folder = tempfile.TemporaryDirectory(prefix="pages-", ignore_cleanup_errors=True)
    with mock.patch.object(memory, "PROGRESS", Path(folder.name)):
        made_pages(lambda words: None)
    return folder


@contextlib.contextmanager
def running_reader(project: Path | None = None, step: str = "") -> Iterator[RunningReader]:
    """Donne `lire`, tuée à la sortie du bloc, sur une copie de ce projet, à cette étape."""
    with tempfile.TemporaryDirectory(prefix="lire é à ", ignore_cleanup_errors=True) as folder:
        reader = RunningReader(Path(folder))
        kept = shutil.copytree(kept_pages().name, reader.folder / ".atelier")
        if project:
            shutil.copytree(project, reader.project)
        if step:
            (kept / "step").write_text(step, "utf-8")
        try:
            reader.start()
            yield reader
        finally:
            reader.process.kill()
            reader.process.wait()
