"""Rejoue les chapitres l'un après l'autre : c'est ainsi que `solutions/` est fait."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workshop import ROOT, WorkshopError
from workshop.chapters import Act, Delete, Patch, Rename, Run, Step, Write, all_steps
from workshop.serving import project_environment

SECRET_KEY = "django-insecure-celle-de-votre-projet-est-tiree-au-hasard"
DATE = "2026-01-01 12:00"
REPLAYED = re.compile(
    r"(?:django-admin (?=startproject )|python manage\.py (?=startapp |makemigrations\b))(.+)"
)
LEFT_BY_RUNS = {"__pycache__", "db.sqlite3", ".venv"}
TABLE = re.compile(r"(<!-- parcours -->\n).*?(<!-- /parcours -->)", re.S)


class ReplayError(WorkshopError):
    """Un acte qui ne s'applique pas ; nomme le chapitre, le fichier et les lignes."""


def replay(step: Step, project: Path) -> None:
    """Fait subir à `project` les actes d'un chapitre."""
    for act in step.acts:
        apply(act, project, step)


def apply(act: Act, project: Path, step: Step) -> None:
    """Applique un acte. Des commandes, n'exécute que celles de Django qui créent des fichiers.

    Lève ReplayError si l'acte ne s'applique pas.
    """
    where = f"{step.slug}, ligne {act.line}"
    match act:
        case Write(path, content):
            _write(project / path, content)
        case Patch(path, diff):
            target = _existing(project / path, where)
            target.write_text(
                patched(_read(target), diff, f"{where}, {path}"), "utf-8", newline="\n"
            )
        case Delete(path):
            _existing(project / path, where).unlink()
        case Rename(path, new_path):
            (project / new_path).parent.mkdir(parents=True, exist_ok=True)
            _existing(project / path, where).rename(project / new_path)
        case Run(terminal, commands) if terminal != "atelier":
            for command in commands:
                if found := REPLAYED.fullmatch(command.strip()):
                    _django(found[1].split(), project, where)


def patched(text: str, diff: str, where: str) -> str:
    """Renvoie `text` changé par une différence.

    Chaque morceau (séparé par `@@`) a du contexte et correspond à un seul endroit ; sinon lève
    ReplayError avec les lignes cherchées.
    """
    for piece in re.split(r"^@@.*\n", diff, flags=re.M):
        lines = [line or " " for line in piece.splitlines()]
        if not lines:
            continue
        if any(line[0] not in " +-" for line in lines):
            raise ReplayError(
                f"{where} : une ligne ne commence ni par + ni par - ni par une espace."
            )
        old = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
        new = "".join(line[1:] + "\n" for line in lines if line[0] in " +")
        if not old.strip():
            raise ReplayError(f"{where} : un morceau n'a pas de contexte :\n{piece}")
        places = [found.start() for found in re.finditer(rf"^(?={re.escape(old)})", text, re.M)]
        if len(places) != 1:
            raise ReplayError(f"{where} : trouvé {len(places)} fois, au lieu d'une :\n{old}")
        text = text[: places[0]] + new + text[places[0] + len(old) :]
    return text


@contextmanager
def fresh_solutions() -> Iterator[Path]:
    """Donne un dossier temporaire où chaque étape a sa solution, refaite des chapitres."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "live"
        solutions = Path(folder) / "solutions"
        project.mkdir()
        for step in all_steps():
            replay(step, project)
            shutil.copytree(project, solutions / step.slug)
        yield solutions


def stale() -> list[str]:
    """Renvoie le chemin de chaque fichier fait qui n'est plus celui que les chapitres font."""
    with fresh_solutions() as fresh:
        return _different(fresh) + ([] if _readme() == with_table(_readme()) else ["README.md"])


def rebuild() -> list[str]:
    """Refait ce que font les chapitres ; renvoie les chemins qui ont changé."""
    with fresh_solutions() as fresh:
        changed = _different(fresh)
        for path in changed:
            made = fresh.parent / path
            if made.exists():
                (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made, ROOT / path)
            else:
                (ROOT / path).unlink()
    if with_table(_readme()) != _readme():
        _write(ROOT / "README.md", with_table(_readme()))
        changed.append("README.md")
    return changed


def _readme() -> str:
    return _read(ROOT / "README.md")


def _different(fresh: Path) -> list[str]:
    """Renvoie les chemins de `solutions/` qui diffèrent de ceux qui viennent d'être faits."""
    made, kept = _tree(fresh), _tree(ROOT / "solutions")
    return sorted(
        f"solutions/{path}"
        for path in made.keys() | kept.keys()
        if made.get(path) != kept.get(path)
    )


def with_table(readme: str) -> str:
    """Renvoie le README avec le tableau des étapes, tiré des chapitres."""
    rows = ["| étape | ce que l'on construit | minutes | à la fin |", "|---|---|--:|---|"]
    for step in all_steps():
        rows.append(
            f"| [{step.slug[:2]} · {step.title}](steps/{step.slug}/README.md) | {step.summary} "
            f"| {step.minutes} | [solution](solutions/{step.slug}) |"
        )
    table = "\n".join(rows)
    made, found = TABLE.subn(lambda marks: f"{marks[1]}\n{table}\n\n{marks[2]}", readme)
    if found != 1:
        raise ReplayError("README.md : il manque les marques du tableau, <!-- parcours -->.")
    return made


def _django(arguments: list[str], project: Path, where: str) -> None:
    # Django reformate ce qu'il écrit avec black, s'il le trouve : un PATH vide le lui cache.
    environment = project_environment() | {"PATH": ""}
    manager = ["-m", "django"] if arguments[0] == "startproject" else ["manage.py"]
    done = subprocess.run(
        [sys.executable, *manager, *arguments],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ReplayError(f"{where} : {' '.join(arguments)} échoue : {' '.join(last)}")
    _freeze(project)


def _freeze(project: Path) -> None:
    """Fixe ce que Django tire au hasard ou date : deux rejeux donnent les mêmes octets."""
    for path in project.rglob("*.py"):
        text = _read(path)
        frozen = re.sub(r"(?m)^SECRET_KEY = .*", f"SECRET_KEY = '{SECRET_KEY}'", text)
        frozen = re.sub(r"(?m)^(# Generated by Django \S+ on ).*", rf"\g<1>{DATE}", frozen)
        path.write_text(frozen, "utf-8", newline="\n")


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8", newline="\n")


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def _existing(path: Path, where: str) -> Path:
    if not path.is_file():
        raise ReplayError(f"{where} : {path.name} n'existe pas encore à cet endroit du parcours.")
    return path


def _tree(folder: Path) -> dict[str, bytes]:
    """Renvoie le contenu de chaque fichier d'un dossier de solutions, par chemin relatif."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and path != folder / "README.md"
        and not LEFT_BY_RUNS & set(path.relative_to(folder).parts)
    }
