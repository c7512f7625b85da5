"""La ligne de commande, en français : ce que partagent toutes les commandes."""

import os
import unicodedata
from pathlib import Path

import click

from workshop.basics import LIVE, WorkshopError

HELP = click.help_option("--aide", "--help", "-h", help="Affiche cette aide.")

LAUNCHER = "py atelier.py" if os.name == "nt" else "python3 atelier.py"


class FrenchFormatter(click.HelpFormatter):
    """Met en français les titres de l'aide."""

    def write_usage(self, prog, args="", prefix=None):
        super().write_usage(prog, args, prefix="Utilisation : ")

    def write_heading(self, heading):
        super().write_heading({"Commands": "Commandes"}.get(heading, heading) + " ")


class Context(click.Context):
    formatter_class = FrenchFormatter


class Command(click.Command):
    context_class = Context


class Commands(click.Group):
    """Un groupe dont les commandes se tapent avec ou sans accents."""

    context_class = Context
    command_class = Command

    def get_command(self, ctx, name):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        return super().get_command(ctx, plain)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    options_metavar="",
    subcommand_metavar="COMMANDE [OPTIONS]",
    add_help_option=False,
)
@HELP
@click.pass_context
def cli(ctx):
    """L'atelier : un chat en temps réel avec Django et Channels, chapitre par chapitre."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(cli.commands["suivre"])


def command(name):
    """Renvoie le décorateur qui déclare une commande."""

    def declare(function):
        return cli.command(name, add_help_option=False)(HELP(function))

    return declare


def chosen_project(folder: Path | None) -> Path:
    """Renvoie le projet donné, ou live. Lève WorkshopError si celui qui est donné n'existe pas."""
    project = (folder or LIVE).resolve()
    if folder and not project.is_dir():
        raise WorkshopError(
            f"Le dossier {project} n'existe pas. Donnez celui qui contient manage.py."
        )
    return project


def chosen_step(number: str | None, project: Path):
    """Renvoie l'étape donnée, ou celle en cours."""
    from workshop.chapters.steps import find_step
    from workshop.checking.checking import current_step
    from workshop.project.python import project_python

    return find_step(number) if number else current_step(project, project_python(project))
