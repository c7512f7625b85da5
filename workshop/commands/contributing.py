"""Les commandes de qui change l'atelier."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from workshop.basics import LAUNCHER, ROOT
from workshop.commands.cli import command


@command("construire")
@click.option("--verifier", "verify", is_flag=True, help="N'écrit rien ; dit ce qui est périmé.")
@click.option(
    "--site",
    metavar="DOSSIER",
    type=click.Path(path_type=Path),
    help="Fait là les pages du site public, et rien d'autre.",
)
def construire(verify, site):
    """Refait tout ce qui est fait à partir des chapitres."""
    if site:
        make_site(site)
        return
    from workshop.publishing.making import rebuild, stale
    from workshop.publishing.slides import problems

    paths, left = (stale(), {}) if verify else rebuild()
    wrong = problems()
    for path in paths:
        click.echo(f"{'périmé' if verify else 'refait'} : {path}")
    for path, reason in left.items():
        click.echo(f"laissé : {path}, qui est périmé. {reason}")
    for sentence in wrong:
        click.echo(sentence)
    if verify and paths:
        click.echo(f"Tapez : {LAUNCHER} construire")
    if wrong or (verify and paths):
        sys.exit(1)
    if not paths and not left:
        click.echo("Tout est à jour.")


def make_site(folder: Path) -> None:
    """Fait les pages du site ; code 1 si l'une mène où il n'y a rien."""
    from workshop.publishing.site import build

    warnings = build(folder)
    for one in warnings:
        click.echo(one)
    if warnings:
        click.echo(f"Corrigez ces liens, puis retapez : {LAUNCHER} construire --site {folder}")
        sys.exit(1)
    click.echo(f"Les pages sont faites : ouvrez {folder / 'index.html'}")


# Les points de pytest laissent la place à ce qui reste à faire.
QUIET = ["-o", "console_output_style=classic"]


@command("test")
@click.option("--rapide", is_flag=True, help="Moins d'une minute : prose, étape changée.")
@click.option("--tout", is_flag=True, help="Aussi ce qui est lent et presque jamais rouge.")
@click.option("--strict", is_flag=True, help="Installe requirements-dev.txt ; échoue sur un saut.")
def test(rapide, tout, strict):
    """Lance tous les tests du dépôt."""
    if strict:
        install_all()
    # Beaucoup de tests attendent : un de plus que de processeurs.
    shared = ["-n", str((os.cpu_count() or 1) + 1), "--no-loadscope-reorder"]
    options = {"-ptests.quick": rapide, "--tout": tout, "--strict-skips": strict}
    chosen = [option for option, wanted in options.items() if wanted]
    plugins = ["-ptests.sharing", "-ptests.progress"]
    command = [sys.executable, "-m", "pytest", "-q", *QUIET, *shared, *plugins, *chosen]
    sys.exit(subprocess.call(command, cwd=ROOT))


def install_all() -> None:
    """Ajoute aux outils de l'atelier ceux que tout le monde n'a pas."""
    from workshop.system.installing import install, lock

    with lock():
        install("requirements.txt", "requirements-dev.txt", "requirements-bench.txt")
    importlib.invalidate_caches()
