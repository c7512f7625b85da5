"""Les commandes de l'atelier : ce que l'on tape après `python3 atelier.py`."""

import os
import signal
import subprocess
import sys
import time
import unicodedata
import webbrowser
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from workshop import LIVE, ROOT, WorkshopError

HELP = click.help_option("--aide", "--help", "-h", help="Affiche cette aide.")
LAUNCHER = "py atelier.py" if os.name == "nt" else "python3 atelier.py"
TOO_SLOW = (
    "Toujours pas de réponse après cinq minutes : un antivirus ou le réseau ralentit sans doute la "
    "machine. Relancez la commande ; si cela recommence, parlez-en à la personne qui anime."
)
MARKS = {
    "passed": "[green]✔[/]",
    "failed": "[red]✘[/]",
    "waiting": "[dim]·[/]",
    "skipped": "[yellow]?[/]",
}


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


def out() -> Console:
    """Renvoie la sortie des commandes : coupée aux mots dans un terminal, jamais ailleurs."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)


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
        show_parcours()
        click.echo(ctx.get_help())


def show_parcours() -> None:
    """Affiche les étapes, leurs minutes et leurs chapitres."""
    from workshop.chapters import all_steps

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("étape", "", "min", "chapitre"):
        table.add_column(column, justify="right" if column == "min" else "left")
    for step in all_steps():
        table.add_row(step.slug[:2], step.title, str(step.minutes), step.shown_chapter)
    console = out()
    console.print("\n[bold]Le parcours[/] : ouvrez le premier chapitre, et suivez-le.\n")
    console.print(table, "")


def command(name):
    """Renvoie le décorateur qui déclare une commande."""

    def declare(function):
        return cli.command(name, add_help_option=False)(HELP(function))

    return declare


@command("verifier")
@click.argument("number", metavar="[N]", required=False)
@click.option(
    "--projet", metavar="DOSSIER", type=click.Path(path_type=Path), help="Le projet (sinon : live)."
)
@click.option("--json", "as_json", is_flag=True, help="Donne le résultat en JSON.")
def verifier(number, projet, as_json):
    """Dit quels buts de l'étape N sont atteints.

    Sans N, l'étape en cours. Code de sortie : 0 tout est vert, 1 un but est rouge, 2 un but n'a pas
    pu être vérifié.
    """
    from workshop.chapters import find_step
    from workshop.checking import LISTEN_SECONDS, check, current_step, keep, project_python

    project = (projet or LIVE).resolve()
    if projet and not project.is_dir():
        raise WorkshopError(
            f"Le dossier {project} n'existe pas. Donnez celui qui contient manage.py."
        )
    python = project_python(project)
    step = find_step(number) if number else current_step(project, python)
    if not projet:
        keep("step", step.slug)
    console = out()
    if as_json:
        report = check(step, project, python)
        click.echo(report.as_json())
        sys.exit(report.exit_code)
    listens = step.number == 6 and not projet and sys.stdout.isatty()
    with console.status(f"Étape {step.slug[:2]} : vérification…") as status:

        def tick(seconds):
            if listens:
                left = LISTEN_SECONDS - seconds
                status.update(
                    f"Encore {left:.0f} s : j'écoute le salon poneys. "
                    "Collez console.js dans le navigateur."
                )

        report = check(step, project, python, listen=LISTEN_SECONDS if listens else 0, tick=tick)
    show_report(console, step, report)
    sys.exit(report.exit_code)


def show_report(console: Console, step, report) -> None:
    """Affiche les buts d'une étape, la raison d'un but rouge, et quoi faire ensuite."""
    from workshop.chapters import all_steps

    console.print(f"\n[bold]Étape {step.slug[:2]} · {escape(step.title)}[/]\n")
    for goal in report.goals:
        waiting = " (en attente)" if goal.state == "waiting" else ""
        style = "dim" if waiting else "none"
        console.print(f"  {MARKS[goal.state]} [{style}]{escape(goal.text)}{waiting}[/]")
        if goal.reason:
            console.print(Padding(escape(goal.reason), (0, 0, 0, 6), expand=False))
    console.print()
    following = [other for other in all_steps() if other.number == step.number + 1]
    if report.passed:
        console.print("[green]Étape réussie.[/]", end=" ")
        if following:
            console.print(f"La suite : {following[0].shown_chapter}")
        else:
            console.print("C'était la dernière du parcours.")
    elif report.passed is False:
        console.print(f"Pas encore. Les indices sont à la fin du chapitre : {step.shown_chapter}")
    else:
        console.print("Un but n'a pas pu être vérifié : suivez la phrase ci-dessus, puis relancez.")


@command("demo")
@click.argument("number", metavar="[N]", default="")
@click.option(
    "--trolls",
    metavar="K",
    type=click.IntRange(1, 100),
    help="Peuple le salon de K trolls, de 1 à 100.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=0,
    help="Le port (0 : un libre).",
)
@click.option("--sans-navigateur", is_flag=True, help="N'ouvre pas le navigateur.")
def demo(number, trolls, port, sans_navigateur):
    """Ouvre le chat d'une étape (à partir de 05) dans le navigateur."""
    from workshop.chapters import all_steps, find_step
    from workshop.demo import running_demo, talking_trolls

    step = find_step(number) if number else all_steps()[-1]
    if step.number < 5:
        raise WorkshopError(
            f"Le chat ne parle qu'à partir de l'étape 05. Tapez : {LAUNCHER} demo 05"
        )
    with ExitStack() as stack:
        server = stack.enter_context(running_demo(step, port))
        click.echo(f"Le chat de l'étape {step.slug[:2]} est sur {server.url}/ (Ctrl-C l'arrête)")
        processes = [server.process]
        if trolls:
            processes.append(stack.enter_context(talking_trolls(server, trolls)))
            click.echo(f"Trolls dans le salon poneys : {trolls}")
        if not sans_navigateur and not webbrowser.open(f"{server.url}/"):
            click.echo("Aucun navigateur ne s'ouvre d'ici : copiez l'adresse dans le vôtre.")
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        lines = [line for line in server.log.splitlines() if line.strip()]
    raise WorkshopError(
        "La démonstration s'est arrêtée d'elle-même. Relancez la commande ; la dernière ligne de "
        f"son journal : {lines[-1] if lines else '(vide)'}"
    )


@command("preparer")
@click.option("--sans-navigateur", is_flag=True, help="N'essaie pas le navigateur.")
def preparer(sans_navigateur):
    """Dit si cette machine est prête pour l'atelier. À faire la veille.

    Code de sortie : 0 tout est prêt, 1 un point est à revoir.
    """
    from workshop.machine import checks, summary

    console, trouble = out(), []
    console.print("\n[bold]Cette machine est-elle prête ?[/] Une demi-minute.\n")
    for name, check in checks(browser=not sans_navigateur).items():
        with console.status(f"{name}…"):
            try:
                mark, words = MARKS["passed"], check()
            except WorkshopError as error:
                mark, words = MARKS["failed"], str(error)
                trouble.append(name)
            except subprocess.TimeoutExpired:
                mark, words = MARKS["failed"], TOO_SLOW
                trouble.append(name)
        console.print(f"  {mark} {name} : {escape(words)}", soft_wrap=True)
    click.echo("\nLa ligne à envoyer à la personne qui anime, ou à copier dans un ticket :\n")
    click.echo(summary(trouble))
    sys.exit(1 if trouble else 0)


@command("emporter")
@click.argument("folder", metavar="DOSSIER", type=click.Path(path_type=Path))
@click.option(
    "--systemes",
    metavar="LISTE",
    default="windows,macos,linux",
    help="Parmi windows, macos, linux, linux-arm (sinon : les trois premiers).",
)
@click.option("--pythons", metavar="LISTE", help="Par exemple 3.12,3.13 (sinon : 3.11 à 3.14).")
def emporter(folder, systemes, pythons):
    """Fait le kit hors ligne dans DOSSIER.

    L'atelier, tous ses paquets pour d'autres machines, et une page de départ. Il faut un réseau, et
    un DOSSIER qui n'existe pas encore. Par exemple : emporter ../kit --systemes windows
    """
    from workshop.kit import PYTHONS, SYSTEMS, pack, size

    chosen = {"--systemes": systemes.split(","), "--pythons": (pythons or PYTHONS).split(",")}
    for option, known in (("--systemes", [*SYSTEMS]), ("--pythons", PYTHONS.split(","))):
        for value in chosen[option]:
            if value not in known:
                raise WorkshopError(
                    f"Je ne connais pas « {value} ». {option} prend une liste sans espaces : "
                    f"{','.join(known)}"
                )
    kit = pack(folder.resolve(), *chosen.values(), say=click.echo)
    click.echo(
        f"Le kit est prêt : {kit} ({size(kit)} Mo). Copiez-le sur une clé, avec un installateur de "
        "Python ; sur chaque machine, copiez-le sur le disque et ouvrez COMMENCER.html."
    )


@command("construire")
@click.option("--verifier", "verify", is_flag=True, help="N'écrit rien ; dit ce qui est périmé.")
def construire(verify):
    """Refait tout ce qui est fait à partir des chapitres."""
    from workshop.making import rebuild, stale

    paths, left = (stale(), {}) if verify else rebuild()
    for path in paths:
        click.echo(f"{'périmé' if verify else 'refait'} : {path}")
    for path, reason in left.items():
        click.echo(f"laissé : {path}, qui est périmé. {reason}")
    if verify and paths:
        click.echo(f"Tapez : {LAUNCHER} construire")
        sys.exit(1)
    if not paths and not left:
        click.echo("Tout est à jour.")


@command("test")
@click.option("--strict", is_flag=True, help="Installe requirements-dev.txt ; échoue sur un saut.")
def test(strict):
    """Lance tous les tests du dépôt."""
    if strict:
        from workshop.installing import install, lock

        with lock():
            install("requirements.txt", "requirements-dev.txt")
    command = [sys.executable, "-m", "pytest", "-q", *(["--strict-skips"] if strict else [])]
    sys.exit(subprocess.call(command, cwd=ROOT))


def main() -> None:
    """Lance une commande ; toute erreur prévue est une phrase, sans trace."""
    for stream in (sys.stdout, sys.stderr):
        # Dans un tube, Windows prendrait une page de codes où « ✔ » n'est pas.
        stream.reconfigure(encoding="utf-8", errors="replace")
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            # Une exception, pour que les blocs with arrêtent ce qu'ils ont démarré.
            signal.signal(getattr(signal, name), lambda number, frame: sys.exit(128 + number))
    # Lancée en arrière-plan par un script, la commande hériterait d'un Ctrl-C ignoré.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        cli.main(prog_name=LAUNCHER, standalone_mode=False)
    except click.UsageError as error:
        stop(f"{usage_sentence(error)} Pour voir les commandes : {LAUNCHER}")
    except WorkshopError as error:
        stop(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


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
