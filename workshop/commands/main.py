"""Lance la commande que l'on a tapée ; toute erreur prévue est une phrase, sans trace."""

import signal
import sys

import click

from workshop.basics import LAUNCHER, WorkshopError
from workshop.commands import contributing, learning, measuring, teaching  # noqa: F401
from workshop.commands.cli import cli


def main() -> None:
    """Lance une commande ; toute erreur prévue est une phrase, sans trace."""
    for stream in (sys.stdout, sys.stderr):
        # Dans un tube, Windows prendrait une page de codes où « ✔ » n'est pas.
        stream.reconfigure(encoding="utf-8", errors="replace")
    catch_signals()
    try:
        cli.main(prog_name=LAUNCHER, standalone_mode=False)
    except click.UsageError as error:
        stop(f"{usage_sentence(error)} Pour voir les commandes : {LAUNCHER}")
    except WorkshopError as error:
        stop(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


def catch_signals() -> None:
    """Fait d'un signal d'arrêt une exception, pour que les blocs with arrêtent ce qui tourne."""
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))
    # Lancée en arrière-plan par un script, la commande hériterait d'un Ctrl-C ignoré.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def stop(sentence: str) -> None:
    """Arrête la commande sur une phrase ; code 2 : rien n'a été jugé."""
    click.echo(sentence, err=True)
    sys.exit(2)


def usage_sentence(error: click.UsageError) -> str:
    """Renvoie en français une erreur de frappe dans une commande."""
    match error:
        case click.MissingParameter(param=param):
            return f"Il manque {param.make_metavar(error.ctx)}."
        case click.NoSuchOption(option_name=name):
            return f"L'option {name} n'existe pas."
        case click.BadParameter(param=param):
            return (
                f"La valeur donnée à {param.opts[0]} ne convient pas : "
                f"voyez {LAUNCHER} {error.ctx.info_name} --aide."
            )
        case click.exceptions.NoSuchCommand(command_name=name):
            return f"La commande « {name} » n'existe pas."
    return "Je ne comprends pas cette commande."
