"""Deviner un mot de passe, à l'étape 12 : le frein tient, et ne punit que celui qui s'acharne."""

import pytest

from workshop.chapters.steps import find_step
from workshop.project.files import copy_project
from workshop.project.serving import Server
from workshop.visitors.reading import Reader, kind


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passwords") / "live"
    copy_project(find_step("12").solution, folder)
    with Server(folder) as server:
        yield server


@pytest.fixture
def attempt(server):
    """Remplit un formulaire ; renvoie le code de la réponse."""

    def attempt(path, name, password="un essai"):
        reader = Reader(server)
        form = reader.read(path).forms[-1]
        said = {"text": name, "password": password}
        try:
            reader.send(
                form, form.filled(lambda field: said.get(kind(field), field.get("value", "")))
            )
        except AssertionError as refusal:
            return int(str(refusal).split("HTTP ")[1].rstrip("."))
        return 200

    return attempt


@pytest.mark.parametrize("path", ["/compte/connexion/", "/admin/login/"])
def test_guesses_are_braked(attempt, path):
    answers = [attempt(path, f"victime {path}") for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_another_spelling_is_the_same_account(attempt):
    names = ["ada", " ada", "ada ", "ａda"]
    answers = [attempt("/compte/connexion/", names[number % 4]) for number in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_another_account_does_not_pay(attempt):
    for _ in range(12):
        attempt("/compte/connexion/", "blaise")
    assert attempt("/compte/connexion/", "chloe") == 200


def test_signing_up_is_braked_too(attempt):
    answers = [attempt("/compte/inscription/", "denise") for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2


def test_an_empty_name_guesses_nothing(attempt):
    answers = [attempt("/compte/connexion/", "  "[: number % 3]) for number in range(12)]
    assert answers == [200] * 12
