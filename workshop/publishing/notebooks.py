"""Les carnets : faits par une exécution réelle de leur source, et ouverts dans JupyterLab."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from urllib.parse import quote

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import Step, find_step
from workshop.system.processes import (
    GUARD,
    OWN_GROUP,
    free_port,
    last_line,
    listening,
    require_free,
)

FOLDER = ROOT / "notebooks"
COPIES = ROOT / "carnets"
CELL_SECONDS = 30
STARTUP_SECONDS = 60
# Ceux de JupyterLab : en français s'il le peut, et sans rien demander au réseau.
SETTINGS = {
    "docmanager-extension/plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "translation-extension/plugin": {"locale": "fr_FR"},
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}
OPTIONS = [
    "--no-browser",
    "--ServerApp.port_retries=0",
    # Dans un conteneur, on est souvent root ; le jeton protège autant.
    "--allow-root",
    "--LabApp.extension_manager=readonly",
]


def source(step: Step) -> Path:
    """Renvoie la source du carnet d'une étape, au format « percent »."""
    return step.folder / "notebook.py"


def notebook(step: Step) -> Path:
    """Renvoie le carnet fait d'une étape."""
    return FOLDER / f"{step.slug}.ipynb"


def make(slug: str, path: Path) -> None:
    """Exécute la source du carnet d'une étape, et l'écrit avec ses sorties.

    Lève WorkshopError si une cellule échoue.
    """
    import nbformat

    path.parent.mkdir(exist_ok=True)
    made = run(source(find_step(slug)), path.parent)
    path.write_text(nbformat.writes(made) + "\n", "utf-8", newline="\n")


def run(percent: Path, folder: Path):
    """Renvoie le carnet (`NotebookNode`) que donne une source, exécutée dans un noyau neuf.

    `folder` est le dossier du noyau. Deux exécutions donnent les mêmes octets. Lève WorkshopError
    si une cellule échoue.
    """
    import jupytext
    from jupyter_core.utils import ensure_event_loop
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    # Sous Windows, pyzmq avertirait que la boucle par défaut ne lui convient pas.
    ensure_event_loop(prefer_selector_loop=True)
    made = jupytext.read(percent)
    for i, cell in enumerate(made.cells, 1):
        cell.id = f"cellule-{i:02}"
    made.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    }
    client = NotebookClient(
        made,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,
        record_timing=False,
        # Il avertit, en anglais, que le noyau n'est pas chiffré ; il n'écoute que la boucle locale.
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise WorkshopError(
            f"Une cellule échoue dans {percent.parent.name}/{percent.name} : "
            f"{error.ename}, {error.evalue}"
        ) from None
    # Le noyau y met sa version de Python.
    made.metadata["language_info"] = {"name": "python"}
    return made


def different_cells(kept, made) -> list[str]:
    """Renvoie, pour chaque cellule qui diffère d'un carnet à l'autre, ce qu'elle a et devrait."""
    return [
        f"{(new or old)['id']} : {_content(old)!r} au lieu de {_content(new)!r}"
        for old, new in zip_longest(kept["cells"], made["cells"])
        if old != new
    ]


def _content(cell) -> object:
    return cell and (cell["source"], [*cell.get("outputs", ())])


def own_copy(step: Step) -> Path:
    """Renvoie l'exemplaire de l'apprenant, fait s'il n'existe pas ; jamais remplacé.

    Les sorties n'y sont pas : on devine avant de lancer une cellule.
    """
    import nbformat

    copy = COPIES / notebook(step).name
    if not copy.exists():
        content = nbformat.read(notebook(step), nbformat.NO_CONVERT)
        for cell in content.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        COPIES.mkdir(exist_ok=True)
        copy.write_text(nbformat.writes(content) + "\n", "utf-8")
    return copy


@contextmanager
def jupyterlab(path: Path, port: int = 0) -> Iterator[tuple[str, subprocess.Popen]]:
    """Donne l'adresse d'un JupyterLab ouvert sur un carnet, et son processus, qu'arrête la sortie.

    Il n'écoute que la boucle locale, et l'adresse porte le jeton qu'il demande. Ses réglages sont
    dans `.atelier` : ceux de la personne ne changent pas. Lève WorkshopError s'il ne démarre pas.
    """
    settings = ROOT / ".atelier" / "jupyterlab"
    for name, value in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value), "utf-8")
    port = port or free_port()
    require_free(port)
    token = secrets.token_hex(16)
    log_path = settings / "journal.txt"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(GUARD), "-m", "jupyterlab", *OPTIONS, f"--port={port}"],
            cwd=ROOT,
            env=os.environ
            | {
                "JUPYTERLAB_SETTINGS_DIR": str(settings),
                "JUPYTER_TOKEN": token,
                "PYTHONUTF8": "1",
            },
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            **OWN_GROUP,
        )
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not listening(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise WorkshopError(
                    "JupyterLab ne démarre pas. Fermez d'autres programmes, et relancez la même "
                    f"commande. {last_line(log_path)}"
                )
            time.sleep(0.1)
        shown = quote(path.relative_to(ROOT).as_posix())
        yield f"http://127.0.0.1:{port}/lab/tree/{shown}?token={token}", process
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
