"""Les commandes de qui anime."""

import importlib.util
import time
from contextlib import ExitStack
from pathlib import Path

import click

from workshop.basics import LAUNCHER, WorkshopError
from workshop.commands.cli import NO_BROWSER, PORT, STEP, command, open_page
from workshop.commands.contributing import install_all


@command("demo")
@STEP
@click.option(
    "--trolls",
    metavar="K",
    type=click.IntRange(1, 100),
    help="Peuple le salon de K trolls, de 1 à 100.",
)
@PORT
@NO_BROWSER
def demo(number, trolls, port, alone):
    """Ouvre le chat d'une étape (à partir de 05) dans le navigateur."""
    from workshop.chapters.steps import all_steps, find_step
    from workshop.demo import entrance, running_demo, talking_trolls
    from workshop.system.processes import last_line

    step = find_step(number) if number else all_steps()[-1]
    if step.number < 5:
        raise WorkshopError(
            f"Le chat ne parle qu'à partir de l'étape 05. Tapez : {LAUNCHER} demo 05"
        )
    with ExitStack() as stack:
        server = stack.enter_context(running_demo(step, port))
        address = entrance(server)
        click.echo(f"Le chat de l'étape {step.slug[:2]} est sur {address} (Ctrl-C l'arrête)")
        processes = [server.process]
        if trolls:
            processes.append(stack.enter_context(talking_trolls(server, trolls)))
            click.echo(f"Trolls dans le salon poneys : {trolls}")
        if not alone:
            open_page(address, "copiez l'adresse")
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        last = last_line(server.log_path)
    raise WorkshopError(f"La démonstration s'est arrêtée d'elle-même. Relancez la commande. {last}")


@command("slides")
@STEP
@click.option(
    "--pdf",
    metavar="FICHIER",
    type=click.Path(path_type=Path),
    help="Imprime dans FICHIER, avec les notes, toutes les diapositives ou celles de N.",
)
@NO_BROWSER
def slides(number, pdf, alone):
    """Ouvre les diapositives de l'étape N dans le navigateur.

    Sans N, celles de l'ouverture. 99 sont celles de la clôture.
    """
    from workshop.publishing.marp import made_page, print_decks
    from workshop.publishing.slides import decks, find_deck

    if pdf:
        if not importlib.util.find_spec("playwright"):
            click.echo("La première fois, j'installe de quoi imprimer…")
            install_all()
        chosen = [find_deck(number)] if number else decks()
        print_decks([made_page(deck) for deck in chosen], pdf)
        click.echo(f"Imprimé : {pdf}")
        return
    page = made_page(find_deck(number or "0"))
    click.echo(page)
    click.echo("« p » ouvre la vue de présentation, avec les notes ; « f », le plein écran.")
    if not alone:
        open_page(page, "ouvrez ce fichier")


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
    from workshop.machine.kit import PYTHONS, SYSTEMS, pack, size

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
