"""Un autre programme, dans la base d'un projet : il y écrit, ou y efface."""

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


def erase(project: Path, text: str) -> None:
    """Efface, comme un modérateur, les lignes dont une colonne est ce texte.

    Un projet dont la base est ailleurs n'en voit rien.
    """
    for path in _databases(project):
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            names = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (table,) in connection.execute(names).fetchall():
                columns = connection.execute(f'SELECT * FROM "{table}" LIMIT 0').description
                where = " OR ".join(rf'"{name}" = ?' for name, *_ in columns)
                connection.execute(f'DELETE FROM "{table}" WHERE {where}', [text] * len(columns))


def _databases(project: Path) -> list[Path]:
    found = []
    for path in project.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    found.append(path)
    return found
