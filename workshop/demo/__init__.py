"""`demo` : le chat d'une étape, et une page pour lui parler quand il n'en a pas encore."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workshop import ROOT
from workshop.chapters import Step
from workshop.serving import Server, copy_project


@contextmanager
def running_demo(step: Step, port: int = 0) -> Iterator[Server]:
    """Donne le serveur de la solution d'une étape, sur une copie avec sa propre base."""
    with tempfile.TemporaryDirectory(prefix="atelier-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "live"
        copy_project(step.solution, copy)
        environment = {
            "DJANGO_SETTINGS_MODULE": "workshop.demo.settings",
            "PYTHONPATH": str(ROOT),
        }
        with Server(copy, port=port, environment=environment) as server:
            yield server
