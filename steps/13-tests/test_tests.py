"""Étape 13 : les tests de l'apprenant, à l'épreuve. Ils réussissent sur le chat, et le défendent.

Ses tests sont lancés sur notre chat, puis sur le même, cassé chaque fois d'une seule façon : les
textes de `mutants/`. Un chat cassé est vu si un test échoue ; une suite qui ne finit pas, ou qui ne
commence pas, n'a rien vu. Un chat n'est essayé que si l'on juge son but.
"""

import shutil
from functools import partial
from pathlib import Path

import pytest

from workshop.chapters.steps import Step
from workshop.mutants.mutation import (
    SECONDS,
    SuiteError,
    Trials,
    all_mutants,
    require_green,
    rewrite,
    short,
    why_not_green,
)
from workshop.project.files import copied, copy_project

FOLDER = Path(__file__).parent
MUTANTS = all_mutants(FOLDER / "mutants")
# Sans ce fichier, on n'a pas fait le mouvement facultatif.
OF_A_SERVER = "test_server.py"


def chat_without_tests(folder: Path) -> Path:
    """Copie notre chat, sans nos tests : la suite de l'apprenant n'a que les siens."""
    copy_project(Step(FOLDER).solution, folder)
    shutil.rmtree(folder / "tests")
    (folder / "pytest.ini").unlink()
    return folder


@pytest.fixture(scope="session")
def trials(project, python, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    with Trials(project, chat_without_tests(folder / "ours" / "live"), python, folder) as running:
        yield running


@pytest.fixture(scope="session")
def judged(request):
    """Renvoie True si l'on juge le but d'un essai."""
    goals = {item.originalname for item in request.session.items}
    return lambda name: "test_" + name.replace("-", "_") in goals


@pytest.fixture(scope="session")
def verdicts(trials, judged):
    """Ce que donne la suite quand elle doit réussir ; « own » sert à tous les buts."""
    launches = {
        "own": trials.own,
        "reverse": partial(trials.on, reverse=True),
        "rewritten": partial(trials.on, rewrite),
    }
    return {name: launch() for name, launch in launches.items() if name == "own" or judged(name)}


@pytest.fixture(scope="session")
def broken(trials, verdicts, judged, pytestconfig):
    """Ce que donne la suite sur chaque chat cassé."""
    # Un chat cassé qui passe n'empêche pas de juger les autres.
    pytestconfig.option.maxfail = 0
    # Bien plus qu'il n'en a fallu sur le bon chat : au-delà, elle attend sans fin.
    seconds = min(SECONDS, 10 + 3 * verdicts["own"].result().seconds)
    tried = [mutant for mutant in MUTANTS if judged(mutant.name)]
    return {mutant.name: trials.on(mutant.apply, seconds=seconds) for mutant in tried}


@pytest.fixture
def sees(broken):
    """Exige qu'un chat cassé fasse échouer la suite."""

    def sees(name):
        verdict = broken[name].result()
        if verdict.caught:
            return
        title = next(mutant.title for mutant in MUTANTS if mutant.name == name)
        if verdict.code == 0:
            escaped = sum(not future.result().caught for future in broken.values())
            sentence = (
                f"{title}, et votre suite réussit quand même : aucun test ne l'a vu. "
                f"Chats cassés qui lui échappent : {escaped} sur {len(broken)}."
            )
        elif verdict.endless:
            sentence = (
                f"{title}, et votre suite ne finit pas : le test {short(verdict.running)} attend "
                "sans fin. Un test qui ne finit pas n'a rien vu."
            )
        else:
            reason = why_not_green(verdict, "ce chat cassé")
            sentence = f"{title}, et votre suite ne commence pas. {reason}"
        raise SuiteError(sentence, verdict, "un chat cassé")

    return sees


def test_own(verdicts):
    """Votre suite réussit sur votre chat"""
    require_green(verdicts["own"].result(), "votre chat")


def test_reverse(trials, verdicts):
    """Votre suite réussit sur le nôtre, dans l'ordre inverse"""
    verdict = verdicts["reverse"].result()
    if not verdict.green:
        require_green(trials.on().result(), "notre chat")
    require_green(verdict, "notre chat, dans l'ordre inverse")


def test_rewritten(verdicts):
    """Votre suite réussit sur le même chat, écrit autrement"""
    require_green(verdicts["rewritten"].result(), "notre chat, écrit autrement")


def test_welcome(sees):
    """Votre suite voit que la bienvenue n'est plus dite"""
    sees("welcome")


def test_twice(sees):
    """Votre suite voit que le message est dit deux fois"""
    sees("twice")


def test_everywhere(sees):
    """Votre suite voit que tout le monde entend tous les salons"""
    sees("everywhere")


def test_no_room(sees):
    """Votre suite voit que ce qui n'est pas un salon est ouvert"""
    sees("no-room")


def test_home(sees):
    """Votre suite voit qu'un nom qui ne donne pas de salon n'est plus expliqué"""
    sees("home")


def test_policy(sees):
    """Votre suite voit que la politique des pages a disparu"""
    sees("policy")


def test_signup(sees):
    """Votre suite voit que l'inscription ne connecte plus"""
    sees("signup")


def test_next(sees):
    """Votre suite voit que l'inscription oublie d'où l'on venait"""
    sees("next")


def test_away(sees):
    """Votre suite voit que l'inscription mène à un autre site"""
    sees("away")


def test_console(sees):
    """Votre suite voit qu'un texte est rendu en JSON à la console"""
    sees("console")


def test_hole(sees):
    """Votre suite voit que les numéros ont un trou"""
    sees("hole")


def test_again(sees):
    """Votre suite voit qu'un numéro sert deux fois"""
    sees("again")


def test_backwards(sees):
    """Votre suite voit que l'histoire arrive à l'envers"""
    sees("backwards")


def test_key(sees):
    """Votre suite voit que la clé n'est plus regardée"""
    sees("key")


def test_name(sees):
    """Votre suite voit que le nom d'une personne connectée est oublié"""
    sees("name")


def test_author(sees):
    """Votre suite voit que l'auteur d'un message n'est plus gardé"""
    sees("author")


def test_logout(sees):
    """Votre suite voit que la sortie de session ne ferme rien"""
    sees("logout")


def test_ended(sees):
    """Votre suite voit qu'une connexion fermée parle encore"""
    sees("ended")


def test_over(sees):
    """Votre suite voit qu'une session effacée parle encore"""
    sees("over")


def test_origin(sees):
    """Votre suite voit qu'une page d'ailleurs est admise"""
    sees("origin")


def test_port(sees):
    """Votre suite voit qu'une page d'un autre port est admise"""
    sees("port")


def test_malformed(sees):
    """Votre suite voit qu'une trame mal faite coupe la connexion"""
    sees("malformed")


def test_long(sees):
    """Votre suite voit qu'un texte trop long passe"""
    sees("long")


def test_flood(sees):
    """Votre suite voit que celui qui parle trop vite n'est plus freiné"""
    sees("flood")


def test_crowd(sees):
    """Votre suite voit que la connexion de trop est admise"""
    sees("crowd")


def test_brake(sees):
    """Votre suite voit que les mots de passe se devinent sans frein"""
    sees("brake")


def test_huge(sees):
    """Votre suite voit qu'une trame trop grande est lue jusqu'au bout"""
    sees("huge")


def test_server(sees, project):
    """Votre suite voit que le serveur ne parle plus WebSocket (facultatif)"""
    try:
        sees("server")
    except SuiteError:
        if any(path.name == OF_A_SERVER for path in copied(project)):
            raise
        pytest.skip(f"Vous n'avez pas de {OF_A_SERVER} : c'est le mouvement 7, si vous voulez.")
