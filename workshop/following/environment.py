"""Ce qui se passe dans `live/.venv` : il naît, il disparaît, pip y installe quelque chose."""

import contextlib
import time
from pathlib import Path

# pip installe un paquet après l'autre : on attend qu'il ait fini.
CALM_SECONDS = 1


class Environment:
    """L'environnement d'un projet : quelques dates suffisent, il a des milliers de fichiers."""

    def __init__(self, project: Path):
        self.folder = project / ".venv"
        self.known = self.seen = self.dates()
        self.since = time.monotonic()

    def has_changed(self) -> bool:
        """Renvoie True, une fois, quand il a changé et ne bouge plus depuis une seconde."""
        if (now := self.dates()) != self.seen:
            self.seen, self.since = now, time.monotonic()
        if self.seen == self.known or time.monotonic() - self.since < CALM_SECONDS:
            return False
        self.known = self.seen
        return True

    def dates(self) -> dict[str, int]:
        """Renvoie les dates qui bougent quand il naît, et quand pip en change les paquets."""
        packages = [*self.folder.glob("lib/python*/site-packages")]
        packages += [self.folder / "Lib" / "site-packages"]
        found = {}
        for path in (self.folder / "pyvenv.cfg", *packages):
            with contextlib.suppress(OSError):
                found[str(path)] = path.stat().st_mtime_ns
        return found
