"""Les commandes de qui apprend."""

import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from workshop.basics import LAUNCHER, LIVE, ROOT, WorkshopError
from workshop.commands.cli import (
    NO_BROWSER,
    PORT,
    PROJECT,
    STEP,
    chosen_project,
    chosen_step,
    command,
    open_page,
    read_text,
)
from workshop.system.terminal import MARKS, out

TOO_SLOW = (
    "Toujours pas de réponse après cinq minutes : un antivirus ou le réseau ralentit sans doute la "
    "machine. Relancez la commande ; si cela recommence, parlez-en à la personne qui anime."
)


@command("suivre")
def suivre():
    """Vérifie l'étape en cours à chaque enregistrement. C'est la commande par défaut."""
    import asyncio

    from workshop.checking.checking import check, current_step, green_steps
    from workshop.following.screen import View, screen
    from workshop.following.watching import Follower, follow
    from workshop.project.python import project_python

    python = project_python(LIVE)
    with out().status("Je cherche où vous en êtes…"):
        step = current_step(LIVE, python)
    if sys.stdin.isatty() and sys.stdout.isatty():
        follower = Follower(step, LIVE, green_steps())
        asyncio.run(follow(follower))
        view = follower.view
        view.panel, view.note, view.status = None, "", ""
    else:
        view = View(step, check(step, LIVE, python), green_steps())
    out().print(screen(view))
    click.echo(f"\nPour reprendre : {LAUNCHER}    Les autres commandes : {LAUNCHER} --aide")


@command("verifier")
@STEP
@PROJECT
@click.option("--json", "as_json", is_flag=True, help="Donne le résultat en JSON.")
def verifier(number, projet, as_json):
    """Dit quels buts de l'étape N sont atteints.

    Sans N, l'étape en cours. Code de sortie : 0 tout est vert, 1 un but est rouge, 2 un but n'a pas
    pu être vérifié.
    """
    from workshop.chapters.steps import find_step
    from workshop.checking.acquired import with_acquired
    from workshop.checking.checking import LISTEN_SECONDS, check, current_step
    from workshop.project.python import project_python
    from workshop.system.memory import keep

    project = chosen_project(projet)
    python = project_python(project)
    step = find_step(number) if number else current_step(project, python)
    if not projet:
        keep("step", step.slug)
    console = out()
    if as_json:
        report = check(step, project, python)
        if report.passed:
            report = with_acquired(report, step, project, python)
        click.echo(report.as_json())
        sys.exit(report.exit_code)
    listens = step.number == 6 and not projet and sys.stdout.isatty()
    with console.status(f"Étape {step.slug[:2]} : vérification…") as status:
        options = {"progress": counting(step, status.update)}
        if listens:
            options = {"listen": LISTEN_SECONDS, "progress": countdown(status.update)}
        report = check(step, project, python, **options)
        if report.passed:
            status.update("L'étape est verte. Ce qui l'était avant l'est-il toujours ?")
            report = with_acquired(report, step, project, python)
    show_report(console, step, report)
    sys.exit(report.exit_code)


def counting(step, say):
    """Renvoie de quoi suivre une vérification : `say` reçoit le nombre de buts déjà jugés."""

    def progress(report, seconds):
        judged = sum(goal.state != "waiting" for goal in report.goals)
        if report.red:
            say(f"Étape {step.slug[:2]} : un but est rouge, je cherche pourquoi… {seconds:.0f} s")
        elif judged:
            say(
                f"Étape {step.slug[:2]} : vérification… "
                f"{judged} buts sur {len(report.goals)}, {seconds:.0f} s"
            )

    return progress


def countdown(say):
    """Renvoie de quoi suivre une écoute : `say` reçoit ce qu'il en reste, ou qu'elle est finie."""
    from workshop.checking.checking import LISTEN_SECONDS

    began = None

    def progress(report, seconds):
        nonlocal began
        # L'écoute commence quand console.js est là ; avant, le juge démarre.
        if not report.goals or report.goals[0].state != "passed":
            return
        began = seconds if began is None else began
        left = LISTEN_SECONDS - (seconds - began)
        say(
            f"Encore {left:.0f} s : j'écoute le salon poneys. Collez console.js dans le navigateur."
            if left >= 0
            else "Je n'ai pas entendu la phrase : je cherche pourquoi."
        )

    return progress


def show_report(console: Console, step, report) -> None:
    """Affiche les buts d'une étape, la cause d'un but rouge, et quoi faire ensuite."""
    from workshop.following.screen import View, conclusion, goals

    console.print(f"\n[bold]Étape {step.slug[:2]} · {escape(step.title)}[/]\n")
    console.print(goals(report), "")
    console.print(conclusion(View(step, report)))
    if report.passed is False:
        console.print(f"Un indice : {LAUNCHER} indice {step.slug[:2]}")


@command("indice")
@STEP
@PROJECT
def indice(number, projet):
    """Donne l'indice suivant du premier but à atteindre.

    Sans N, celui de l'étape en cours.
    """
    from workshop.chapters.hints import next_hint, shown
    from workshop.checking.checking import check
    from workshop.project.python import project_python

    project, console = chosen_project(projet), out()
    with console.status("Vérification…"):
        step = chosen_step(number, project)
        report = check(step, project, project_python(project))
    goal = next((goal for goal in report.goals if goal.state != "passed"), None)
    if not goal:
        after = step.following
        click.echo(
            f"Tous les buts de l'étape {step.slug[:2]} sont atteints. "
            + (f"La suite : {after.shown_chapter}" if after else "C'était la dernière.")
        )
        return
    hint, rank, total = next_hint(step, goal.id, goal.text)
    console.print(f"\n[bold]Étape {step.slug[:2]} · {escape(step.title)}[/]\n")
    console.print(f"  {MARKS[goal.state]} {escape(goal.text)}\n")
    console.print(shown(hint, rank, total), "", sep="\n")
    if rank < total:
        click.echo(f"Pour lire le suivant, retapez : {LAUNCHER} indice {step.slug[:2]}")
    else:
        click.echo(f"Vous les avez tous lus. La solution : {LAUNCHER} solution {step.slug[:2]}")


@command("solution")
@STEP
@PROJECT
def solution(number, projet):
    """Montre ce qui sépare votre projet de la fin de l'étape N.

    Sans N, l'étape en cours. Les commentaires et la sorte de guillemets ne comptent pas.
    """
    from workshop.project.comparing import differences, differences_panel

    project, console = chosen_project(projet), out()
    step = chosen_step(number, project)
    found = differences(project, step.solution)
    count = sum(file.state != "extra" for file in found)
    console.print(f"\n[bold]Étape {step.slug[:2]} · {escape(step.title)}[/]", end="")
    console.print("  [red]- vos lignes[/]  [green]+ celles de la solution[/]\n" if count else "\n")
    console.print(differences_panel(found), soft_wrap=True)
    if not count:
        click.echo(
            f"Votre projet est celui de la solution de l'étape {step.slug[:2]}, aux commentaires "
            "et aux guillemets près."
        )
        return
    after = step.following
    click.echo(
        f"{count} fichier{'s diffèrent' if count > 1 else ' diffère'} de la solution de l'étape "
        f"{step.slug[:2]}. "
        + (
            f"Pour la prendre telle quelle : {LAUNCHER} rattraper {after.slug[:2]}"
            if after
            else f"Elle est dans solutions/{step.slug}."
        )
    )


@command("rattraper")
@STEP
@click.option("--annuler", "back", is_flag=True, help="Remet live comme avant.")
@click.option("--oui", "agreed", is_flag=True, help="Ne demande pas confirmation.")
def rattraper(number, back, agreed):
    """Rend live prêt à commencer l'étape N, environnement compris.

    Ce que vous aviez est d'abord sauvé : rattraper --annuler le remet.
    """
    from workshop.chapters.steps import find_step
    from workshop.project import catching_up
    from workshop.room.membership import caught_up
    from workshop.system.memory import keep

    undo = f"{LAUNCHER} rattraper --annuler"
    if bool(number) == back:
        raise WorkshopError(
            f"Dites quelle étape commencer ({LAUNCHER} rattraper 05), ou revenez en arrière "
            f"({undo})."
        )
    project = LIVE.resolve()
    if back:
        plan, lacking = catching_up.to_go_back(project), False
        click.echo(f"live redevient ce que garde {catching_up.shown_path(plan.models)} :")
    else:
        step = find_step(number)
        plan = catching_up.to_begin(step, project)
        lacking = step.number > 1 and not catching_up.environment_ready(plan)
        click.echo(f"Pour commencer l'étape {step.slug[:2]}, dans live :")
    for word, names in plan.news.items():
        if names:
            click.echo(f"  {word} ({len(names)}) : {', '.join(names)}")
    if lacking:
        click.echo("  à installer : l'environnement .venv, en une minute")
    if plan:
        click.echo("Vos autres fichiers restent, et tout est d'abord sauvé.")
    if not plan and not lacking:
        click.echo("  rien à changer")
    elif not agreed and not agrees():
        click.echo("Rien n'a changé.")
        sys.exit(1)
    if plan:
        saved = catching_up.shown_path(catching_up.carry_out(plan))
        click.echo(f"Ce que vous aviez est dans {saved} ; pour le remettre : {undo}")
    else:
        keep("step", plan.step)
    caught_up("" if back else plan.step)
    if lacking:
        catching_up.make_environment(project)
    if back:
        click.echo("live est comme avant.")
        return
    if catching_up.needs_migrate(step):
        click.echo(f"La base de données, dans le terminal « projet » : {catching_up.MIGRATE}")
    click.echo(f"Prêt à commencer l'étape {step.slug[:2]} : ouvrez {step.shown_chapter}")


def agrees() -> bool:
    """Demande s'il faut continuer. Lève WorkshopError s'il n'y a personne pour répondre."""
    if not sys.stdin.isatty():
        raise WorkshopError(
            "Il n'y a pas de terminal où vous demander si je peux continuer : rien n'a changé. "
            "Ajoutez --oui."
        )
    # click.confirm n'entend que « y » et « n ».
    answer = click.prompt("Continuer ? [o/N]", default="n", show_default=False, prompt_suffix=" ")
    return answer.strip().lower() in ("o", "oui")


@command("rejoindre")
@click.argument("address", metavar="ADRESSE")
@click.option("--nom", "name", metavar="NOM", help="Le nom que la salle lira (sinon : demandé).")
def rejoindre(address, name):
    """Rejoint le tableau de la salle, à l'ADRESSE que donne la personne qui anime.

    Jusqu'au soir, `suivre` lui dit votre étape, vos buts et la cause d'un but rouge ; jamais votre
    code, jamais un chemin. La touche x, dans `suivre`, quitte la salle.
    """
    from workshop.checking.checking import current_step, green_steps
    from workshop.project.python import project_python
    from workshop.room.membership import join, leave, room_address
    from workshop.room.reporter import Reporter
    from workshop.room.story import Unreadable, clean_name

    address = room_address(address)
    if name is None and not sys.stdin.isatty():
        raise WorkshopError("Dites sous quel nom, par exemple : --nom Ada")
    name = name or click.prompt("Votre nom, ou un surnom", prompt_suffix=" : ")
    try:
        name = clean_name(name)
    except Unreadable as error:
        raise WorkshopError(f"{error} Choisissez un autre nom.") from None
    with out().status("Je frappe à la porte de la salle…"):
        step = current_step(LIVE, project_python(LIVE))
        member = join(address, name, step.slug, green_steps())
        state = Reporter(address).knock(member.frame)
    if state != "à jour":
        leave()
        raise WorkshopError(
            f"Le tableau n'a pas répondu ({state}). Comparez l'adresse à celle du "
            "tableau, signe par signe ; êtes-vous sur le même Wi-Fi ? Sans lui, tout marche pareil."
        )
    click.echo(f"Vous êtes dans la salle, sous le nom « {name} », jusqu'à ce soir.")
    click.echo(
        "Le tableau lit votre étape, vos buts et la cause d'un but rouge. Jamais votre code."
    )
    click.echo(f"C'est {LAUNCHER} qui les dit : lancez-le s'il ne l'est pas. La touche x quitte.")


@command("carnets")
@STEP
@PORT
@NO_BROWSER
def carnets(number, port, alone):
    """Ouvre le carnet de l'étape N dans JupyterLab.

    Sans N, celui de l'étape en cours. C'est votre exemplaire, dans le dossier carnets.
    """
    from workshop.publishing.notebooks import jupyterlab, own_copy

    copy = own_copy(chosen_step(number, LIVE))
    click.echo(f"Votre exemplaire : {copy.relative_to(ROOT).as_posix()}")
    click.echo("Pour retrouver l'original, supprimez-le et relancez la commande.")
    with jupyterlab(copy, port) as (url, process):
        click.echo(f"JupyterLab est sur {url} (Ctrl-C l'arrête)")
        if not alone:
            open_page(url, "copiez l'adresse")
        while process.poll() is None:
            time.sleep(0.2)
    click.echo("JupyterLab est arrêté.")


@command("lire")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(1, 65535), default=8200, help="Sinon, 8200."
)
@NO_BROWSER
def lire(port, alone):
    """Ouvre les chapitres dans le navigateur, avec vos buts dans la marge.

    Ce que vous y écrivez reste dans votre navigateur.
    """
    from workshop.checking.checking import current_step
    from workshop.project.python import project_python
    from workshop.reading.pages import made_pages
    from workshop.reading.serving import serve
    from workshop.system.processes import require_free

    require_free(port)
    with out().status("Je cherche où vous en êtes…"):
        step = current_step(LIVE, project_python(LIVE))
    address = f"http://127.0.0.1:{port}/steps/{step.slug}/README.html"

    def ready():
        click.echo(f"Les chapitres sont sur {address} (Ctrl-C arrête)")
        if not alone:
            open_page(address, "copiez l'adresse")

    serve(made_pages(click.echo), step, LIVE, port, ready)
    click.echo("Les pages sont fermées. Vos prévisions restent dans votre navigateur.")


@command("preparer")
@click.option("--sans-navigateur", is_flag=True, help="N'essaie pas le navigateur.")
@click.option(
    "--lire",
    "answers",
    metavar="FICHIER",
    type=click.Path(path_type=Path),
    help="Pour qui anime : fait un tableau des lignes que la salle a envoyées.",
)
def preparer(sans_navigateur, answers):
    """Dit si cette machine est prête pour l'atelier. À faire la veille.

    Code de sortie : 0 tout est prêt, 1 un point est à revoir.
    """
    from workshop.machine.preparing import checks, summary

    if answers:
        show_answers(read_text(answers))
        return
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


@command("redis")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(1, 65535), default=6379, help="Sinon, 6379."
)
def redis(port):
    """Démarre un Redis sur cette machine, à partir du chapitre 14.

    Celui de la machine si elle en a un, redis-server ou valkey-server ; sinon une imitation, qui
    suffit pour apprendre.
    """
    from workshop.system.redis_server import RedisServer, answers

    if answers(port):
        click.echo(f"Un Redis répond déjà à 127.0.0.1:{port} : servez-vous de lui.")
        return
    with RedisServer(port) as server:
        what = "Redis" if server.real else "Une imitation de Redis"
        click.echo(f"{what} écoute 127.0.0.1:{port} (Ctrl-C l'arrête)")
        while server.process.poll() is None:
            time.sleep(0.2)
    raise WorkshopError("Redis s'est arrêté de lui-même. Relancez la commande.")


@command("postgresql")
@click.option(
    "--port", metavar="PORT", type=click.IntRange(1, 65535), default=5432, help="Sinon, 5432."
)
def postgresql(port):
    """Démarre un PostgreSQL sur cette machine, à partir du chapitre 16.

    Celui de la machine, avec une base neuve, « chat », qu'il oublie quand il s'arrête.
    """
    from workshop.system.postgres_server import PostgresServer, postgres_programs

    if not postgres_programs():
        raise WorkshopError(
            "Aucun PostgreSQL n'est trouvé sur cette machine. Le chapitre 16 dit comment en avoir "
            "un, même sans droits ; sans lui, trois de ses buts ne sont pas jugés."
        )
    with PostgresServer(port) as server:
        click.echo(f"PostgreSQL écoute 127.0.0.1:{port} (Ctrl-C l'arrête)")
        click.echo(f"Sa base : {server.url}")
        click.echo(f"Le dossier de ses programmes : {postgres_programs()}")
        while server.process.poll() is None:
            time.sleep(0.2)
    raise WorkshopError("PostgreSQL s'est arrêté de lui-même. Relancez la commande.")


def show_answers(text: str) -> None:
    """Affiche le tableau d'une salle, d'après les lignes qu'elle a envoyées."""
    from rich.table import Table

    from workshop.machine.answers import for_the_kit, machines

    found = machines(text)
    if not found:
        raise WorkshopError(
            "Je ne trouve aucune ligne de preparer dans ce fichier. Collez-y celles que vous avez "
            "reçues, qui commencent par « atelier · » ; un nom peut les précéder."
        )
    table = Table("qui", "système", "Python", "à revoir", box=None, pad_edge=False)
    for one in sorted(found, key=lambda one: not one.trouble):
        trouble = f"[red]{escape(one.trouble)}[/]" if one.trouble else "rien"
        system = escape(f"{one.system} ({one.processor})")
        table.add_row(escape(one.who), system, one.python, trouble)
    out().print(table)
    ready = sum(not one.trouble for one in found)
    click.echo(f"\n{ready} machines prêtes sur {len(found)}.")
    if old := [one.who or one.system for one in found if one.is_old]:
        click.echo(f"Python trop vieux, ou en 32 bits : {', '.join(old)}.")
    click.echo(
        f"Le kit pour cette salle : {LAUNCHER} emporter DOSSIER {for_the_kit(found)}".rstrip()
    )
