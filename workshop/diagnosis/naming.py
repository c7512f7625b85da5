"""Une solution, avec les noms qu'a choisis l'apprenant : son paquet, la place de ses réglages."""

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from workshop.project.comparing import read
from workshop.project.files import copied, copy_project
from workshop.project.naming import PROJECT, names_of, rename

SETTINGS = f"{PROJECT}/settings.py"


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
    wanted = _settings_file(solution, project, settings)
    names = names_of(project, settings)
    usual = f"{names.get(PROJECT, PROJECT)}/settings.py"
    if not names and wanted == usual:
        return Naming(solution)
    copy_project(solution, folder)
    rename(folder, names)
    if wanted != usual:
        for path in copied(folder):
            if path.suffix in (".py", ".ini", ".toml"):
                text = path.read_text("utf-8")
                module = usual.removesuffix(".py").replace("/", ".")
                path.write_text(re.sub(rf"\b{re.escape(module)}\b", settings, text), "utf-8")
        (folder / wanted).parent.mkdir(parents=True, exist_ok=True)
        (folder / usual).rename(folder / wanted)
    ours = {theirs: name for name, theirs in names.items()}
    known = {}
    for path in copied(folder):
        first, *others = path.relative_to(folder).parts
        known["/".join([first, *others])] = "/".join([ours.get(first, first), *others])
    return Naming(folder, known | {wanted: SETTINGS})


def _settings_file(solution: Path, project: Path, settings: str) -> str:
    """Renvoie le fichier du projet où sont les réglages que le chapitre écrit."""
    module = settings.replace(".", "/")
    beside = (project / f"{module}.py").parent
    if (project / module).is_dir():
        beside = project / module
    if beside == project / module.partition("/")[0]:
        return f"{module}.py"
    theirs = read(solution / SETTINGS).splitlines()

    def likeness(path: Path) -> float:
        return SequenceMatcher(None, theirs, read(path).splitlines(), False).ratio()

    best = max(beside.glob("*.py"), key=likeness, default=project / f"{module}.py")
    return best.relative_to(project).as_posix()
