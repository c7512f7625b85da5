"""La commande de qui mesure."""

import os
import sys

import click
from rich.table import Table

from workshop.basics import LAUNCHER, WorkshopError
from workshop.commands.cli import PROJECT, chosen_project, command
from workshop.system.terminal import out

# Une minute : ce que l'on compare d'ordinaire à son projet.
SHORT = ("tutoriel-daphne", "05-daphne", "15-daphne", "websockets")
SHORT_PHASES = {"seconds": 0.8, "pace_seconds": 2.0, "burst": 200}


@command("banc")
@click.option(
    "--chats", metavar="LISTE", help="Qui court, par exemple 05-daphne,websockets (sinon : tous)."
)
@click.option(
    "--clients", metavar="LISTE", default="30,300,1000", help="Combien de monde (30,300,1000)."
)
@click.option(
    "--repetitions",
    metavar="K",
    type=click.IntRange(1, 99),
    default=5,
    help="De chacun (sinon : 5).",
)
@PROJECT
@click.option("--court", is_flag=True, help="Une minute environ : quelques chats, 30 membres.")
@click.option("--garder", "kept", is_flag=True, help="Garde les résultats dans docs/bench.json.")
def banc(chats, clients, repetitions, projet, court, kept):
    """Met des chats en course, et dit ce que chacun livre et coûte.

    Chacun est mesuré sur un serveur neuf, à son tour. Avec --projet, le vôtre court aussi.
    """
    from workshop.bench import entrants, racing, results

    console = out()
    if not racing.has_tools():
        click.echo("La première fois, j'installe de quoi mesurer…")
        racing.install_tools()
    sizes, phases = [30] if court else numbers(clients), SHORT_PHASES if court else {}
    chosen = chosen_entrants(entrants.known(), chats, court)
    if projet:
        chosen.append(entrants.of_project(chosen_project(projet)))
    turns = min(repetitions, 2) if court else repetitions
    typed = f"{LAUNCHER} {' '.join(sys.argv[1:])}"
    with console.status("Les chats se préparent…") as status:
        races = racing.run_races(chosen, sizes, turns, typed, status.update, **phases)
    for race in races:
        first, *lines = results.rows(race)
        table = Table(*first, title=f"{race['clients']} membres", title_style="bold")
        for line in lines:
            table.add_row(*line)
        console.print(table)
        for sentence in (*results.troubles(race), *results.source(race)):
            console.print(sentence, style="dim", highlight=False)
    if kept:
        results.keep(races)
        click.echo(f"Gardé dans docs/bench.json. Pour refaire les tableaux : {LAUNCHER} construire")


def chosen_entrants(known: list, chats: str | None, court: bool) -> list:
    """Renvoie ceux que l'on demande, ou tous. Lève WorkshopError pour un nom que l'on ignore."""
    names = {one.name: one for one in known}
    if chats:
        for name in chats.split(","):
            if name not in names:
                raise WorkshopError(
                    f"Je ne connais pas « {name} ». --chats prend une liste sans espaces : "
                    f"{','.join(names)}"
                )
        wanted = [names[name] for name in dict.fromkeys(chats.split(","))]
    else:
        wanted = [one for one in known if not court or one.name in SHORT]
    if not os.environ.get("REDIS_URL"):
        if chats and any(one.redis for one in wanted):
            raise WorkshopError("Ce chat passe par Redis : donnez son adresse par REDIS_URL.")
        wanted = [one for one in wanted if not one.redis]
    return wanted


def numbers(clients: str) -> list[int]:
    """Renvoie une liste de nombres de membres. Lève WorkshopError si ce n'en est pas une."""
    found = [int(one) if one.isdecimal() else 0 for one in clients.split(",")]
    if not all(1 <= one <= 10_000 for one in found):
        raise WorkshopError(
            "--clients prend des nombres de 1 à 10000, sans espaces : 30,300 par exemple."
        )
    return sorted(set(found))
