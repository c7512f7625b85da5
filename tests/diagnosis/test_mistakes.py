"""Chaque faute de `tests/mistakes/` reçoit le message qu'elle dit, et chaque code a sa faute."""

import ast
import inspect

from tests.mistakes import GREEN, all_mistakes
from workshop.basics import ROOT
from workshop.diagnosis import catalogue  # noqa: F401  les règles se déclarent
from workshop.diagnosis.rules import RULES

MISTAKES = all_mistakes()
# Ceux que donnent la place seule, ou ce qui n'est pas encore écrit : aucune règle ne les dit.
WITHOUT_WORDS = {"unknown", "read-again", "not-written"}


def chosen(everything: bool) -> list:
    """Renvoie les fautes à rejouer : toutes, ou la première de chaque code d'une étape."""
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
    assert mistake.answer(expected.goal if alone else "") == expected


def codes() -> set[str]:
    """Renvoie les codes que les règles donnent : le premier de chaque proposition."""
    found = set()
    for path in (ROOT / "workshop/diagnosis").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
                first = node.value.elts[0]
                found |= {one.value for one in ast.walk(first) if isinstance(one, ast.Constant)}
    # Celles d'une table reçoivent leur code.
    for rule in RULES:
        given = inspect.signature(rule.function).parameters.get("code")
        found |= {given.default} if given else set()
    return {code for code in found if isinstance(code, str)}


def tried_elsewhere() -> set[str]:
    """Renvoie les textes des autres tests : les codes de l'environnement y sont, par exemple."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "tests").rglob("test_*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in nodes if isinstance(node.value, str)}


def test_every_code_has_a_wrong_answer_and_every_wrong_answer_a_living_code():
    told = {mistake.expected.code for mistake in MISTAKES} - {None}
    living = codes() | {"stuck"}
    assert not living - told - tried_elsewhere(), "des règles que rien n'essaie"
    assert not told - living - WITHOUT_WORDS, "des fautes dont aucune règle ne dit le code"


def test_most_wrong_answers_get_words():
    wrong = [one for one in MISTAKES if one.expected.message != GREEN]
    mute = [one.name for one in wrong if one.expected.code in WITHOUT_WORDS]
    assert len(wrong) >= 350
    assert len(mute) <= len(wrong) * 0.15, mute
