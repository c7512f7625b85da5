"""Chaque faute de `tests/mistakes/` reçoit le message qu'elle dit, et chaque code a sa faute."""

import ast
import inspect
import textwrap

from tests.mistakes import GREEN, all_mistakes
from workshop.basics import ROOT
from workshop.checking.checking import IN_A_BROWSER
from workshop.checking.locating import Search
from workshop.diagnosis import catalogue  # noqa: F401  les règles se déclarent
from workshop.diagnosis.rules import RULES
from workshop.diagnosis.slips import MISSING, TOO_MUCH

MISTAKES = all_mistakes()
# Ceux que donnent la place seule, ou ce qui n'est pas encore écrit : aucune règle ne les dit.
WITHOUT_WORDS = {"unknown", "read-again", "not-written"}


def chosen(everything: bool) -> list:
    """Renvoie les fautes à rejouer : toutes, ou la première de chaque code.

    Ce qui ne casse rien se juge en entier, avec les étapes d'avant : sans navigateur, ni suite.
    """
    if everything:
        return MISTAKES
    firsts = {}
    for one in MISTAKES:
        if one.expected.code or one.step.number < IN_A_BROWSER.start:
            firsts.setdefault(one.expected.code or one, one)
    return list(firsts.values())


def pytest_generate_tests(metafunc):
    if "mistake" in metafunc.fixturenames:
        ones = chosen(metafunc.config.getoption("--tout"))
        metafunc.parametrize("mistake", ones, ids=lambda one: one.name)


def test_a_mistake_gets_its_message(mistake, request):
    expected = mistake.expected
    if request.config.getoption("--tout"):
        options = {"search": Search}
    else:
        # Un but d'avant ne se juge qu'après ceux de l'étape ; ce qui échappe à une suite se compte.
        whole = "/" in (expected.goal or "") or "qui lui échappent" in expected.message
        options = {"goal": "" if whole else expected.goal or ""}
    answers = []
    # Un navigateur sur une machine occupée peut voir d'abord l'autre moitié d'une même faute.
    tries = 3 if mistake.step.number in IN_A_BROWSER else 1
    while expected not in answers and len(answers) < tries:
        answers.append(mistake.answer(**options))
    assert answers[-1] == expected


def nodes_of(folder: str, pattern: str, kind: type) -> list:
    """Renvoie ce que contiennent des fichiers Python, parmi les nœuds d'une sorte."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / folder).rglob(pattern)]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, kind)]


def texts_of(nodes: list) -> set[str]:
    return {node.value for node in nodes if isinstance(node.value, str)}


def codes() -> set[str]:
    """Renvoie les codes que les règles donnent : leur nom, ou le premier de chaque proposition."""
    found = {one.code for one in RULES if gives_places(one.function)}
    for node in nodes_of("workshop/diagnosis", "*.py", ast.Yield):
        # Sans mots, une proposition ne fait que préciser ce que l'on a observé.
        if isinstance(node.value, ast.Tuple) and not is_mute(*node.value.elts):
            first = node.value.elts[0]
            found |= texts_of([one for one in ast.walk(first) if isinstance(one, ast.Constant)])
    # Celles d'une table reçoivent leur code.
    for one in RULES:
        given = inspect.signature(one.function).parameters.get("code")
        found |= {given.default} if given and given.default is not given.empty else set()
    return found | {code for table in (MISSING, TOO_MUCH) for code, _ in table.values()}


def is_mute(code: ast.expr, *others: ast.expr) -> bool:
    """Renvoie True d'une proposition sans cause : le troisième de ses éléments est vide."""
    return any(isinstance(one, ast.Constant) and one.value == "" for one in others[1:2])


def gives_places(function) -> bool:
    """Renvoie True si une règle donne des endroits, et non des propositions."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    given = [one for one in ast.walk(tree) if isinstance(one, ast.Yield | ast.YieldFrom)]
    told = [one for one in given if isinstance(one, ast.Yield) and isinstance(one.value, ast.Tuple)]
    names = [getattr(getattr(one.value, "func", None), "id", "") for one in given]
    others = [function.__globals__.get(name) for name in names]
    return not told and not any(map(inspect.isgeneratorfunction, others))


def test_every_code_has_a_wrong_answer():
    told = {mistake.expected.code for mistake in MISTAKES}
    # Un environnement et une console s'essaient ailleurs que par une faute d'un fichier.
    elsewhere = texts_of(nodes_of("tests", "test_*.py", ast.Constant))
    assert codes() - told - elsewhere == set()


def test_every_wrong_answer_has_a_living_code():
    written = texts_of(nodes_of("workshop/diagnosis", "*.py", ast.Constant)) | {"stuck"} | codes()
    # Dans une table, le code est parfois le premier mot de la phrase.
    living = {text.partition(" ")[0] for text in written}
    told = {mistake.expected.code for mistake in MISTAKES} - {None}
    assert told - living - WITHOUT_WORDS == set()


def test_most_wrong_answers_get_a_place_and_words():
    wrong = [one for one in MISTAKES if one.expected.message != GREEN]
    lost = [one.name for one in wrong if "Ouvrez " not in one.expected.message]
    mute = [one.name for one in wrong if one.expected.code in WITHOUT_WORDS]
    assert len(wrong) >= 350
    assert len(lost) <= len(wrong) * 0.05, lost
    # De bien des buts, ce que l'on a observé dit déjà ce qu'il faut.
    assert len(mute) <= len(wrong) * 0.2, mute
