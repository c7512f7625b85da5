"""Les commandes de l'atelier : ce que l'on tape après `python3 atelier.py`."""

import importlib.util
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

from workshop import LIVE, ROOT, WorkshopError
from workshop.terminal import MARKS, out

HELP = click.help_option("--aide", "--help", "-h", help="Affiche cette aide.")
LAUNCHER = "py atelier.py" if os.name == "nt" else "python3 atelier.py"
TOO_SLOW = (
    "Toujours pas de réponse après cinq minutes : un antivirus ou le réseau ralentit sans doute la "
    "machine. Relancez la commande ; si cela recommence, parlez-en à la personne qui anime."
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
        ctx.invoke(suivre)


def command(name):
    """Renvoie le décorateur qui déclare une commande."""

    def declare(function):
        return cli.command(name, add_help_option=False)(HELP(function))

    return declare


@command("suivre")
def suivre():
    """Vérifie l'étape en cours à chaque enregistrement. C'est la commande par défaut."""
    import asyncio

    from workshop.checking import check, current_step, green_steps, project_python
    from workshop.screen import View, screen
    from workshop.watching import Follower, follow

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

    project = chosen_project(projet)
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
        options = {"progress": counting(step, status.update)}
        if listens:
            options = {"listen": LISTEN_SECONDS, "progress": countdown(status.update)}
        report = check(step, project, python, **options)
    show_report(console, step, report)
    sys.exit(report.exit_code)


def counting(step, say):
    """Renvoie de quoi suivre une vérification : `say` reçoit le nombre de buts déjà jugés."""

    def progress(report, seconds):
        judged = sum(goal.state != "waiting" for goal in report.goals)
        if judged:
            say(
                f"Étape {step.slug[:2]} : vérification… "
                f"{judged} buts sur {len(report.goals)}, {seconds:.0f} s"
            )

    return progress


def countdown(say):
    """Renvoie de quoi suivre une écoute : `say` reçoit ce qu'il en reste, ou qu'elle est finie."""
    from workshop.checking import LISTEN_SECONDS

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
    from workshop.screen import View, conclusion, goals

    console.print(f"\n[bold]Étape {step.slug[:2]} · {escape(step.title)}[/]\n")
    console.print(goals(report), "")
    console.print(conclusion(View(step, report)))
    if report.passed is False:
        console.print(f"Un indice : {LAUNCHER} indice {step.slug[:2]}")


@command("indice")
@click.argument("number", metavar="[N]", required=False)
@click.option(
    "--projet", metavar="DOSSIER", type=click.Path(path_type=Path), help="Le projet (sinon : live)."
)
def indice(number, projet):
    """Donne l'indice suivant du premier but à atteindre.

    Sans N, celui de l'étape en cours.
    """
    from workshop.checking import check, project_python
    from workshop.hints import next_hint, shown

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
@click.argument("number", metavar="[N]", required=False)
@click.option(
    "--projet", metavar="DOSSIER", type=click.Path(path_type=Path), help="Le projet (sinon : live)."
)
def solution(number, projet):
    """Montre ce qui sépare votre projet de la fin de l'étape N.

    Sans N, l'étape en cours. Les commentaires et la sorte de guillemets ne comptent pas.
    """
    from workshop.comparing import differences, differences_panel

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
@click.argument("number", metavar="[N]", required=False)
@click.option("--annuler", "back", is_flag=True, help="Remet live comme avant.")
@click.option("--oui", "agreed", is_flag=True, help="Ne demande pas confirmation.")
def rattraper(number, back, agreed):
    """Rend live prêt à commencer l'étape N, environnement compris.

    Ce que vous aviez est d'abord sauvé : rattraper --annuler le remet.
    """
    from workshop import catching_up
    from workshop.chapters import find_step
    from workshop.checking import keep

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
    from workshop.chapters import find_step
    from workshop.checking import current_step, project_python

    return find_step(number) if number else current_step(project, project_python(project))


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
    from workshop.demo import entrance, running_demo, talking_trolls
    from workshop.serving import last_line

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
        if not sans_navigateur and not webbrowser.open(address):
            click.echo("Aucun navigateur ne s'ouvre d'ici : copiez l'adresse dans le vôtre.")
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
        last = last_line(server.log_path)
    raise WorkshopError(f"La démonstration s'est arrêtée d'elle-même. Relancez la commande. {last}")


@command("carnets")
@click.argument("number", metavar="[N]", required=False)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=0,
    help="Le port (0 : un libre).",
)
@click.option("--sans-navigateur", is_flag=True, help="N'ouvre pas le navigateur.")
def carnets(number, port, sans_navigateur):
    """Ouvre le carnet de l'étape N dans JupyterLab.

    Sans N, celui de l'étape en cours. C'est votre exemplaire, dans le dossier carnets.
    """
    from workshop.notebooks import jupyterlab, own_copy

    copy = own_copy(chosen_step(number, LIVE))
    click.echo(f"Votre exemplaire : {copy.relative_to(ROOT).as_posix()}")
    click.echo("Pour retrouver l'original, supprimez-le et relancez la commande.")
    with jupyterlab(copy, port) as (url, process):
        click.echo(f"JupyterLab est sur {url} (Ctrl-C l'arrête)")
        if not sans_navigateur and not webbrowser.open(url):
            click.echo("Aucun navigateur ne s'ouvre d'ici : copiez l'adresse dans le vôtre.")
        while process.poll() is None:
            time.sleep(0.2)
    click.echo("JupyterLab est arrêté.")


@command("slides")
@click.argument("number", metavar="[N]", required=False)
@click.option(
    "--pdf",
    metavar="FICHIER",
    type=click.Path(path_type=Path),
    help="Imprime dans FICHIER, avec les notes, toutes les diapositives ou celles de N.",
)
@click.option("--sans-navigateur", is_flag=True, help="N'ouvre pas le navigateur.")
def slides(number, pdf, sans_navigateur):
    """Ouvre les diapositives de l'étape N dans le navigateur.

    Sans N, celles de l'ouverture. 99 sont celles de la clôture.
    """
    from workshop.marp import made_page, print_decks
    from workshop.slides import decks, find_deck

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
    if not sans_navigateur and not webbrowser.open(page.as_uri()):
        click.echo("Aucun navigateur ne s'ouvre d'ici : ouvrez ce fichier dans le vôtre.")


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
    from workshop.slides import problems

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


@command("test")
@click.option("--strict", is_flag=True, help="Installe requirements-dev.txt ; échoue sur un saut.")
def test(strict):
    """Lance tous les tests du dépôt."""
    if strict:
        install_all()
    command = [sys.executable, "-m", "pytest", "-q"]
    if strict:
        # Beaucoup de tests attendent : un de plus que de processeurs, et un fichier à la fois.
        shared = ["-n", str(os.cpu_count() + 1), "--dist", "loadfile", "--no-loadscope-reorder"]
        command += ["--strict-skips", *shared]
    sys.exit(subprocess.call(command, cwd=ROOT))


def install_all() -> None:
    """Ajoute aux outils de l'atelier ceux que tout le monde n'a pas."""
    from workshop.installing import install, lock

    with lock():
        install("requirements.txt", "requirements-dev.txt")
    importlib.invalidate_caches()


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
