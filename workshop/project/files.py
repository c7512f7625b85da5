"""Les fichiers d'un projet : ceux que l'on copie, et ceux que ses exécutions ont laissés."""

import importlib.machinery
import os
import shutil
import sys
import time
from pathlib import Path

# Ce que répond Windows d'un fichier qu'un autre programme tient : accès refusé, partage refusé.
HELD = (5, 32)
PATIENCE_SECONDS = 5
LEFT_BY_RUNS = {"__pycache__", ".pytest_cache", "db.sqlite3", ".venv", ".git", "node_modules"}
# Ce que laisse un déploiement : ses certificats, ses fichiers réunis.
LEFT_BY_RUNS |= {"run", "staticfiles"}


def copy_project(project: Path, copy: Path) -> None:
    """Copie un projet, sans ce qu'ont laissé ses exécutions : la copie a sa propre base."""
    shutil.copytree(project, copy, symlinks=True, ignore=_left_aside)


def copied(project: Path) -> list[Path]:
    """Renvoie les fichiers que `copy_project` copie."""
    found = []
    for folder, folders, files in os.walk(project):
        aside = _left_aside(folder, [*folders, *files])
        folders[:] = [name for name in folders if name not in aside]
        found += [Path(folder, name) for name in files if name not in aside]
    return found


def _left_aside(folder: str, names: list[str]) -> set[str]:
    # Un environnement se reconnaît à pyvenv.cfg : certains ne s'appellent pas .venv.
    environments = {name for name in names if Path(folder, name, "pyvenv.cfg").is_file()}
    return environments | (LEFT_BY_RUNS & {*names})


def renamed(path: Path, target: Path) -> Path:
    """Renomme ce qui vient d'être écrit, et renvoie son nouveau chemin. Lève OSError.

    Sous Windows, un antivirus peut le lire encore : on essaie pendant cinq secondes.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return path.rename(target)
        except PermissionError as error:
            held = getattr(error, "winerror", None) in HELD
            if not held or time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def has_migrations(project: Path) -> bool:
    """Renvoie True si une application du projet a une migration : sa base est alors à créer."""
    return any(
        path.parent.name == "migrations" and path.suffix == ".py" and path.stem != "__init__"
        for path in copied(project)
    )


def hides_a_package(project: Path) -> bool:
    """Renvoie True si un fichier ou un dossier du projet a le nom d'un paquet, et le cache."""
    installed = [one for one in sys.path if Path(one).name == "site-packages"]
    names = {path.stem for path in project.glob("*") if path.is_dir() or path.suffix == ".py"}
    find = importlib.machinery.PathFinder.find_spec
    return any(name in sys.stdlib_module_names or find(name, installed) for name in names)
