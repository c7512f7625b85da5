"""Un autre programme, qui écrit dans la base d'un projet pendant que le chat parle."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"SQLite format 3\0"


@contextlib.contextmanager
def other_writer(project: Path) -> Iterator[None]:
    """Tient, le temps d'un bloc, le droit d'écrire dans les bases SQLite d'un projet.

    Il n'y change rien. Un projet dont la base est ailleurs n'en voit rien.
    """
    with contextlib.ExitStack() as stack:
        for path in _databases(project):
            connection = stack.enter_context(
                contextlib.closing(sqlite3.connect(path, isolation_level=None))
            )
            connection.execute("BEGIN IMMEDIATE")
        yield


def _databases(project: Path) -> list[Path]:
    found = []
    for path in project.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    found.append(path)
    return found
