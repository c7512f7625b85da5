"""Rend un projet prêt à commencer une étape, après l'avoir sauvegardé ; et le remet comme avant."""

import errno
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from packaging.requirements import Requirement

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import Run, Step, all_steps
from workshop.project.files import copied, renamed
from workshop.project.python import project_python
from workshop.system import installing, memory
from workshop.system.memory import keep, kept

# Ni sauvé, ni changé : ce qui se refait, et l'histoire que l'apprenant tient lui-même.
LEFT = {".venv", "__pycache__", ".git"}
SETTINGS, REQUIREMENTS = "live/settings.py", "requirements.txt"
SECRET_KEY = re.compile(r"""(?m)^SECRET_KEY *= *(['"])([^'"\\\n]+)\1""")
PARTIAL = ".en-cours"
MIGRATE = "python manage.py migrate"
UNTOUCHED = "La sauvegarde n'a pas pu s'écrire, et rien n'a changé dans {project} : {why}"
INTACT = (
    "Tous les fichiers n'ont pas pu être changés : {why} Votre travail d'avant est intact dans "
    "{save}. Relancez ensuite la même commande."
)
REASONS = {
    errno.ENOSPC: "le disque est plein. Libérez de la place.",
    errno.EDQUOT: "votre part du disque est pleine. Libérez de la place.",
    errno.EACCES: "{file} est protégé, ou ouvert ailleurs. Fermez l'éditeur et le serveur.",
    errno.EPERM: "{file} est protégé, ou ouvert ailleurs. Fermez l'éditeur et le serveur.",
    errno.EROFS: "{file} est sur un disque où l'on ne peut pas écrire.",
}


@dataclass(frozen=True)
class Plan:
    """Ce qu'il faut changer à un projet ; `state` est le contenu voulu, par chemin.

    Les chemins sont relatifs au projet. `models` est le dossier dont les fichiers donnent leurs
    droits à ceux que l'on écrit, `step` l'étape qui sera en cours.
    """

    project: Path
    state: dict[str, bytes]
    models: Path
    step: str
    changed: list[str]
    added: list[str]
    removed: list[str]

    @property
    def news(self) -> dict[str, list[str]]:
        """Les chemins, par ce qui leur arrive."""
        return {"à changer": self.changed, "à ajouter": self.added, "à retirer": self.removed}

    def __bool__(self) -> bool:
        return any(self.news.values())


def to_begin(step: Step, project: Path) -> Plan:
    """Renvoie ce qu'il faut changer à un projet pour y commencer une étape.

    Il prend l'état de la fin de l'étape précédente, avec sa propre SECRET_KEY.
    """
    before = [other for other in all_steps() if other.number < step.number]
    with _explained("Je n'ai pas pu lire {project} : {why}", project=project):
        state = _read(before[-1].solution, _solution_files(before[-1])) if before else {}
        if SETTINGS in state:
            state[SETTINGS] = _with_own_key(state[SETTINGS], project / SETTINGS)
        return _plan(project, state, project, step.slug)


def to_go_back(project: Path) -> Plan:
    """Renvoie ce qu'il faut changer à un projet pour le remettre comme avant le dernier changement.

    Lève WorkshopError s'il n'y a pas de sauvegarde.
    """
    save = saves() / (kept("save") or "")
    if not kept("save") or not save.is_dir():
        raise WorkshopError("Il n'y a pas de sauvegarde à remettre : rien n'a changé.")
    with _explained("Je n'ai pas pu lire {project} : {why}", project=project):
        return _plan(project, _read(save, own_files(save)), save, kept("step_before") or "")


def carry_out(plan: Plan) -> Path:
    """Sauve le projet, puis le change en place ; renvoie la sauvegarde.

    Chaque fichier passe d'un état à l'autre d'un coup. Lève WorkshopError si la sauvegarde ou un
    fichier ne peut pas s'écrire.
    """
    project = plan.project
    with _explained(UNTOUCHED, project=project):
        saved = save(project)
        keep("step_before", kept("step") or "")
        keep("save", saved.name)
    with _explained(INTACT, project=project, save=shown_path(saved)):
        # L'apprenant a pu enregistrer un fichier pendant qu'on lui posait la question.
        plan = _plan(project, plan.state, plan.models, plan.step)
        for name in {*_known(), *plan.state}:
            _partial(project / name).unlink(missing_ok=True)
        for name in plan.removed:
            _remove(project, name)
        for name in plan.changed + plan.added:
            _write(project / name, plan.state[name], plan.models / name)
        keep("step", plan.step)
    return saved


def saves() -> Path:
    """Renvoie le dossier des sauvegardes."""
    return memory.PROGRESS / "sauvegardes"


def save(project: Path) -> Path:
    """Copie un projet dans un nouveau dossier daté, et le renvoie : entier, ou absent."""
    partial = saves() / PARTIAL
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for name in own_files(project):
            copy = partial / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, copy)
        date = time.strftime("%Y-%m-%d-%Hh%Mm%S")
        names = (f"{date}-{rank}" if rank > 1 else date for rank in count(1))
        free = next(path for name in names if not (path := saves() / name).exists())
        return renamed(partial, free)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def own_files(project: Path) -> list[str]:
    """Renvoie les fichiers d'un projet, sauf ceux de LEFT et de ses environnements."""
    found = []
    for folder, folders, names in os.walk(project):
        # Un environnement se reconnaît à pyvenv.cfg : certains ne s'appellent pas .venv.
        folders[:] = [
            name
            for name in folders
            if name not in LEFT and not Path(folder, name, "pyvenv.cfg").is_file()
        ]
        paths = [Path(folder, name) for name in names if not _is_partial(name)]
        found += [path.relative_to(project).as_posix() for path in paths if path.is_file()]
    return sorted(found)


def shown_path(path: Path) -> str:
    """Renvoie un chemin depuis la racine de l'atelier, comme on le montre."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def needs_migrate(step: Step) -> bool:
    """Renvoie True si un chapitre d'avant cette étape a créé la base de données."""
    return any(
        isinstance(act, Run) and MIGRATE in act.commands
        for other in all_steps()
        for act in other.acts
        if other.number < step.number
    )


def environment_ready(plan: Plan) -> bool:
    """Renvoie True si l'environnement du projet démarre et a les paquets que l'étape demande."""
    wanted = plan.state.get(REQUIREMENTS, b"").decode().splitlines()
    names = [Requirement(line).name for line in wanted if line.strip()]
    code = f"from importlib.metadata import version; [version(name) for name in {names}]"
    return _runs(plan.project, code)


def make_environment(project: Path) -> None:
    """Crée l'environnement du projet, ou le complète. Lève InstallError, avec la cause."""
    with installing.lock():
        if not _runs(project, ""):
            # Celui dont le Python ne démarre plus ne se répare pas ; il se remplit à nouveau.
            options = ["--clear", "--prompt", project.name]
            command = [sys.executable, "-m", "venv", *options, str(project / ".venv")]
            if installing.run(command):
                words = installing.cause(installing.LOG.read_text("utf-8", "replace"))
                words = installing.NO_PIP if words == installing.UNKNOWN else words
                raise installing.InstallError(installing.sentence(words))
        installing.install(str(project / REQUIREMENTS), python=project_python(project))


def _runs(project: Path, code: str) -> bool:
    python = project_python(project)
    try:
        command = [python, "-I", "-c", code]
        return (
            bool(python)
            and not subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
            ).returncode
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _plan(project: Path, state: dict[str, bytes], models: Path, step: str) -> Plan:
    if project.exists() and not project.is_dir():
        raise WorkshopError(f"{project} n'est pas un dossier. Renommez-le, puis recommencez.")
    known = _known() | {*state}
    for folder in {parent for name in known for parent in Path(name).parents[:-1]}:
        if (project / folder).is_symlink():
            raise WorkshopError(
                f"{project / folder} est un lien vers un autre dossier, que je ne sauve pas : "
                "remplacez-le par le dossier lui-même, puis recommencez."
            )
    present = _read(project, [name for name in sorted(known) if (project / name).is_file()])
    return Plan(
        project,
        state,
        models,
        step,
        changed=[name for name in present if name in state and state[name] != present[name]],
        added=sorted({*state} - {*present}),
        removed=[name for name in present if name not in state],
    )


def _known() -> set[str]:
    """Les chemins que le parcours connaît : ceux de toutes les solutions."""
    return {name for step in all_steps() for name in _solution_files(step)}


def _solution_files(step: Step) -> list[str]:
    return [path.relative_to(step.solution).as_posix() for path in copied(step.solution)]


def _read(folder: Path, names: list[str]) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names}


def _with_own_key(settings: bytes, mine: Path) -> bytes:
    """Renvoie des réglages avec la clé de l'apprenant ; s'il n'en a pas, avec une neuve."""
    from django.core.management.utils import get_random_secret_key

    text = mine.read_text("utf-8", errors="replace") if mine.is_file() else ""
    own = SECRET_KEY.search(text)
    key = own[2] if own else f"django-insecure-{get_random_secret_key()}"
    line = f"SECRET_KEY = '{key}'"
    return SECRET_KEY.sub(lambda found: line, settings.decode(), count=1).encode()


def _write(path: Path, content: bytes, model: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _partial(path)
    try:
        new.write_bytes(content)
        if model.exists():
            shutil.copymode(model, new)
        try:
            new.replace(path)
        except PermissionError:
            # Windows ne remplace ni un fichier en lecture seule, ni celui qu'un éditeur tient.
            path.chmod(0o666)
            path.write_bytes(content)
    finally:
        new.unlink(missing_ok=True)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}{PARTIAL}")


def _is_partial(name: str) -> bool:
    return name.startswith(".") and name.endswith(PARTIAL)


def _remove(project: Path, name: str) -> None:
    """Retire un fichier, et les dossiers qu'il laisse vides : startproject les refuserait."""
    path = project / name
    try:
        path.unlink()
    except PermissionError:
        path.chmod(0o666)
        path.unlink()
    for folder in path.parents:
        if folder == project or any(path.name != "__pycache__" for path in folder.iterdir()):
            return
        shutil.rmtree(folder)


@contextmanager
def _explained(words: str, **parts) -> Iterator[None]:
    """Une erreur du système devient une phrase."""
    try:
        yield
    except OSError as error:
        why = REASONS.get(error.errno, "{error}.")
        why = why.format(file=error.filename or "le dossier", error=error)
        raise WorkshopError(words.format(why=why, **parts)) from None
