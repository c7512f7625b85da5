"""Chaque faute de `tests/mistakes/` reçoit le message qu'elle dit, et chaque code a sa faute."""

import ast
import inspect

from tests.mistakes import GREEN, all_mistakes
from workshop.basics import ROOT
from workshop.checking.checking import IN_A_BROWSER
from workshop.diagnosis import catalogue  # noqa: F401  les règles se déclarent
from workshop.diagnosis.rules import RULES

MISTAKES = all_mistakes()
# Ceux que donnent la place seule, ou ce qui n'est pas encore écrit : aucune règle ne les dit.
WITHOUT_WORDS = {"unknown", "read-again", "not-written"}


def chosen(everything: bool) -> list:
    """Renvoie les fautes à rejouer : toutes, ou la première de chaque code d'une étape."""
    if everything:
        return MISTAKES
    firsts = {}
    for one in MISTAKES:
        code = one.expected.code
        firsts.setdefault((one.step.number, code or one.name), one)
    return list(firsts.values())


def pytest_generate_tests(metafunc):
    if "mistake" in metafunc.fixturenames:
        ones = chosen(metafunc.config.getoption("--tout"))
        metafunc.parametrize("mistake", ones, ids=lambda one: one.name)


def test_a_mistake_gets_its_message(mistake, request):
    expected = mistake.expected
    # Un but d'avant ne se juge qu'après ceux de l'étape.
    alone = expected.goal and "/" not in expected.goal and not request.config.getoption("--tout")
    answers = []
    # Un navigateur sur une machine occupée peut voir d'abord l'autre moitié d'une même faute.
    tries = 3 if mistake.step.number in IN_A_BROWSER else 1
    while expected not in answers and len(answers) < tries:
        answers.append(mistake.answer(expected.goal if alone else ""))
    assert answers[-1] == expected


def nodes_of(folder: str, pattern: str, kind: type) -> list:
    """Renvoie ce que contiennent des fichiers Python, parmi les nœuds d'une sorte."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / folder).rglob(pattern)]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, kind)]


def texts_of(nodes: list) -> set[str]:
    return {node.value for node in nodes if isinstance(node.value, str)}


def codes() -> set[str]:
    """Renvoie les codes que les règles donnent : le premier de chaque proposition."""
    found = set()
    for node in nodes_of("workshop/diagnosis", "*.py", ast.Yield):
        if isinstance(node.value, ast.Tuple):
            first = node.value.elts[0]
            found |= texts_of([one for one in ast.walk(first) if isinstance(one, ast.Constant)])
    # Celles d'une table reçoivent leur code.
    for rule in RULES:
        given = inspect.signature(rule.function).parameters.get("code")
        found |= {given.default} if given and given.default is not given.empty else set()
    return found


def test_every_code_has_a_wrong_answer():
    told = {mistake.expected.code for mistake in MISTAKES}
    # Un environnement et une console s'essaient ailleurs que par une faute d'un fichier.
    elsewhere = texts_of(nodes_of("tests", "test_*.py", ast.Constant))
    assert codes() - told - elsewhere == set()


def test_every_wrong_answer_has_a_living_code():
    written = texts_of(nodes_of("workshop/diagnosis", "*.py", ast.Constant)) | {"stuck"}
    # Dans une table, le code est parfois le premier mot de la phrase.
    living = {text.partition(" ")[0] for text in written}
    told = {mistake.expected.code for mistake in MISTAKES} - {None}
    assert told - living - WITHOUT_WORDS == set()


def test_most_wrong_answers_get_words():
    wrong = [one for one in MISTAKES if one.expected.message != GREEN]
    mute = [one.name for one in wrong if one.expected.code in WITHOUT_WORDS]
    assert len(wrong) >= 350
    assert len(mute) <= len(wrong) * 0.15, mute
