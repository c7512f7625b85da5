"""La ligne de commande, en français : ce que partagent toutes les commandes."""

import os
import unicodedata
import webbrowser
from pathlib import Path

import click

from workshop.basics import LIVE, WorkshopError

HELP = click.help_option("--aide", "--help", "-h", help="Affiche cette aide.")

STEP = click.argument("number", metavar="[N]", required=False)
PROJECT = click.option(
    "--projet", metavar="DOSSIER", type=click.Path(path_type=Path), help="Le projet (sinon : live)."
)
PORT = click.option(
    "--port", metavar="PORT", type=click.IntRange(0, 65535), default=0, help="Sinon, un port libre."
)
NO_BROWSER = click.option(
    "--sans-navigateur", "alone", is_flag=True, help="N'ouvre pas le navigateur."
)


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


def open_page(address: str | Path, what: str) -> None:
    """Ouvre une page dans le navigateur, ou dit de l'y ouvrir : `what` est ce qu'il faut faire.

    La page est une adresse, ou un fichier.
    """
    if isinstance(address, Path):
        # Windows n'ouvre pas l'adresse d'un fichier dont le chemin a un accent : le chemin, si.
        address = str(address) if os.name == "nt" else address.as_uri()
    if not webbrowser.open(address):
        click.echo(f"Aucun navigateur ne s'ouvre d'ici : {what} dans le vôtre.")


def read_text(path: Path) -> str:
    """Renvoie le texte d'un fichier que l'on désigne ; lève WorkshopError s'il ne se lit pas."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorkshopError(f"Je ne peux pas lire {path} : {error.strerror}.") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Un tableur ou un Bloc-notes d'autrefois.
        return content.decode("cp1252", "replace")
