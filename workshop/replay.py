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
from workshop.serving import LEFT_BY_RUNS, project_environment

SECRET_KEY = "django-insecure-celle-de-votre-projet-est-tiree-au-hasard"
DATE = "2026-01-01 12:00"
REPLAYED = re.compile(
    r"(?:django-admin (?=startproject )|python manage\.py (?=startapp |makemigrations\b))(.+)"
)
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
            _write(target, patched(_read(target), diff, f"{where}, {path}"))
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
def fresh() -> Iterator[Path]:
    """Donne un dossier temporaire où tout ce que font les chapitres vient d'être refait."""
    with tempfile.TemporaryDirectory() as folder:
        root, project = Path(folder) / "made", Path(folder) / "live"
        project.mkdir()
        for step in all_steps():
            replay(step, project)
            shutil.copytree(project, root / "solutions" / step.slug)
        _write(root / "README.md", with_table(_read(ROOT / "README.md")))
        yield root


def stale() -> list[str]:
    """Renvoie le chemin de chaque fichier fait qui n'est plus celui que les chapitres font."""
    with fresh() as made:
        return _different(made)


def rebuild() -> list[str]:
    """Refait ce que font les chapitres ; renvoie les chemins qui ont changé."""
    with fresh() as made:
        changed = _different(made)
        for path in changed:
            if (made / path).exists():
                (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made / path, ROOT / path)
            else:
                (ROOT / path).unlink()
    return changed


def _different(made: Path) -> list[str]:
    """Renvoie les chemins de ce qui, dans le dépôt, diffère de ce qui vient d'être fait."""
    new, kept = _tree(made), _tree(ROOT)
    return sorted(path for path in new.keys() | kept.keys() if new.get(path) != kept.get(path))


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
        _write(path, frozen)


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, "utf-8", newline="\n")


def _read(path: Path) -> str:
    return path.read_text("utf-8")


def _existing(path: Path, where: str) -> Path:
    if not path.is_file():
        raise ReplayError(f"{where} : {path.name} n'existe pas encore à cet endroit du parcours.")
    return path


def _tree(root: Path) -> dict[str, bytes]:
    """Renvoie le contenu de chaque fichier fait (solutions, README), par chemin relatif."""
    solutions = root / "solutions"
    files = [root / "README.md", *filter(Path.is_file, solutions.rglob("*"))]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in files
        if path != solutions / "README.md" and not LEFT_BY_RUNS & set(path.relative_to(root).parts)
    }
