"""Les noms qu'a choisis l'apprenant : son paquet, ses réglages en un ou plusieurs fichiers."""

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from workshop.project.comparing import read
from workshop.project.files import copied, copy_project

PACKAGE, SETTINGS = "live", "live.settings"


@dataclass(frozen=True)
class Naming:
    """Une solution, avec les noms d'un projet. `names` donne le chemin du chapitre, par chemin."""

    solution: Path
    names: dict[str, str] = field(default_factory=dict)

    def in_chapter(self, file: str) -> str:
        """Renvoie le chemin que donne le chapitre à un fichier du projet."""
        return self.names.get(file, file)


def named_alike(solution: Path, project: Path, settings: str, folder: Path) -> Naming:
    """Renvoie une solution avec les noms d'un projet ; une copie, dans `folder`, s'ils diffèrent.

    `settings` est le module de réglages que choisit le projet.
    """
    package = settings.partition(".")[0]
    wanted = _settings_file(solution, project, settings)
    if settings == SETTINGS and wanted == f"{PACKAGE}/settings.py":
        return Naming(solution)
    copy_project(solution, folder)
    names = {}
    for path in copied(folder):
        name = path.relative_to(folder).as_posix()
        place = re.sub(rf"^{PACKAGE}/", f"{package}/", name)
        place = wanted if name == f"{PACKAGE}/settings.py" else place
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        text = re.sub(rf"\b{PACKAGE}\.settings\b", settings, text)
        text = re.sub(rf"\b{PACKAGE}\.(?=(?:urls|asgi|wsgi)\b)", f"{package}.", text)
        path.unlink()
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(text.encode("utf-8", "surrogateescape"))
        names[place] = name
    return Naming(folder, names)


def _settings_file(solution: Path, project: Path, settings: str) -> str:
    """Renvoie le fichier du projet où sont les réglages que le chapitre écrit."""
    module = settings.replace(".", "/")
    beside = (project / f"{module}.py").parent
    if (project / module).is_dir():
        beside = project / module
    if beside == project / module.partition("/")[0]:
        return f"{module}.py"
    theirs = read(solution / PACKAGE / "settings.py").splitlines()

    def likeness(path: Path) -> float:
        return SequenceMatcher(None, theirs, read(path).splitlines(), False).ratio()

    best = max(beside.glob("*.py"), key=likeness, default=project / f"{module}.py")
    return best.relative_to(project).as_posix()
