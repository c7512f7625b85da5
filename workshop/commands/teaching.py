"""Les commandes de qui anime."""

import importlib.util
import re
import time
from contextlib import ExitStack
from pathlib import Path

import click

from workshop.basics import LAUNCHER, WorkshopError
from workshop.commands.cli import NO_BROWSER, PORT, STEP, command, open_page, read_text
from workshop.commands.contributing import install_all
from workshop.system.terminal import out


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


@command("classe")
@click.option("--reseau", "network", is_flag=True, help="L'ouvre à la salle, avec un code.")
@click.option(
    "--horaire",
    "plan",
    metavar="NOM",
    default="demi-journee",
    help="demi-journee, journee, deuxieme-journee ou troisieme-journee (sinon : la première).",
)
@click.option("--debut", metavar="HEURE", default="9:00", help="Quand il commence (sinon : 9:00).")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(1, 65535), default=8100, help="Sinon, 8100."
)
@NO_BROWSER
@click.option(
    "--lire",
    "measures",
    metavar="FICHIER",
    type=click.Path(path_type=Path),
    help="Compare les minutes d'une salle, que son CSV donne, à celles des chapitres.",
)
def classe(network, plan, debut, port, alone, measures):
    """Ouvre le tableau de la salle : où chacun en est, ce qui bloque, où en est l'horaire.

    Rien n'en est écrit sur le disque. Relancé le même jour, il garde ses adresses.
    """
    from workshop.chapters.schedule import PLANS
    from workshop.room.serving import Place, serve, today_s_key

    if measures:
        show_measures(measures)
        return
    if plan not in PLANS:
        raise WorkshopError(
            f"Je ne connais pas l'horaire « {plan} ». Choisissez : {', '.join(PLANS)}"
        )
    place = Place(today_s_key(), port, network)

    def ready():
        click.echo(f"Votre tableau : {place.board} (Ctrl-C l'arrête)")
        click.echo("À taper par chacun, dans « atelier » :")
        for address in place.rooms:
            click.echo(f"  {LAUNCHER} rejoindre {address}")
        click.echo(f"Le salon, dans un navigateur : {place.rooms[0]}")
        if not alone:
            open_page(place.board, "copiez l'adresse")

    serve(place, plan, minute_of(debut), ready)
    click.echo("Le tableau est fermé. Relancé le même jour, il retrouve tout le monde.")


def minute_of(hour: str) -> int:
    """Renvoie la minute de la journée d'une heure, comme « 9:00 », « 9h » ou « 13 h 30 »."""
    found = re.fullmatch(r"(\d{1,2})\s*[:h]\s*(\d{2})?", hour.strip())
    if not found or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise WorkshopError(f"« {hour} » n'est pas une heure. Par exemple : --debut 13:30")
    return 60 * int(found[1]) + int(found[2] or 0)


def show_measures(path: Path) -> None:
    """Affiche les minutes d'une salle à côté de celles qui étaient annoncées."""
    from rich.table import Table

    from workshop.chapters.schedule import compared

    table = Table("étape", "annoncées", "mesurées", "écart", "personnes", box=None, pad_edge=False)
    for step, announced, measured, people in compared(read_text(path)):
        gap = f"{100 * (measured - announced) / announced:+.0f} %"
        table.add_row(step, str(announced), f"{measured:.0f}", gap, str(people))
    if not table.rows:
        raise WorkshopError("Ce fichier n'a aucune minute : personne n'y a fini une étape.")
    out().print(table)


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
    from workshop.bench import racing
    from workshop.machine.kit import PYTHONS, SYSTEMS, pack, size

    chosen = {"--systemes": systemes.split(","), "--pythons": (pythons or PYTHONS).split(",")}
    for option, known in (("--systemes", [*SYSTEMS]), ("--pythons", PYTHONS.split(","))):
        for value in chosen[option]:
            if value not in known:
                raise WorkshopError(
                    f"Je ne connais pas « {value} ». {option} prend une liste sans espaces : "
                    f"{','.join(known)}"
                )
    if not racing.has_tools():
        # Le kit emporte le banc, et ne sait ce qu'il demande qu'une fois installé.
        racing.install_tools()
    kit = pack(folder.resolve(), *chosen.values(), say=click.echo)
    click.echo(
        f"Le kit est prêt : {kit} ({size(kit)} Mo). Copiez-le sur une clé, avec un installateur de "
        "Python ; sur chaque machine, copiez-le sur le disque et ouvrez COMMENCER.html."
    )
