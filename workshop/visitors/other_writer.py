"""Un autre programme, dans la base d'un projet : il y écrit, y efface, la copie ou l'abîme."""

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


def saved(project: Path, folder: Path) -> dict[Path, Path]:
    """Copie les bases SQLite d'un projet dans un dossier ; renvoie la copie de chacune."""
    found = {path: folder / f"{rank}.sqlite3" for rank, path in enumerate(_databases(project))}
    for path, copy in found.items():
        _copied(path, copy)
    return found


def restored(copies: dict[Path, Path]) -> None:
    """Remet, par-dessus les bases d'un projet, les copies qu'a faites `saved`."""
    for path, copy in copies.items():
        _copied(copy, path)


def _copied(source: Path, target: Path) -> None:
    with contextlib.ExitStack() as stack:
        ends = (contextlib.closing(sqlite3.connect(path)) for path in (source, target))
        one, other = map(stack.enter_context, ends)
        one.backup(other)


def spoil(project: Path) -> None:
    """Abîme les bases SQLite d'un projet : ce ne sont plus des bases."""
    for path in _databases(project):
        path.write_bytes(b"ceci n'est plus une base " * 400)


def _databases(project: Path) -> list[Path]:
    found = []
    for path in project.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                if file.read(len(MAGIC)) == MAGIC:
                    found.append(path)
    return found
