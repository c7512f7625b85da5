"""Une étourderie se dit d'un mot ; ce qui n'en est pas une ne se dit pas."""

import pytest

from workshop.diagnosis.edits import Edit, edits
from workshop.diagnosis.slips import slip

RIGHT = """import asyncio

APPS = [
    "daphne",
    "chat",
]
LAYERS = {"default": {}}


class Chat(Consumer):
    async def connect(self):
        await self.accept()
        await self.send(f"Bienvenue {self.name} !")

    def name(self):
        return self.user.get_full_name()
"""
SLIPS = [
    ("await self.accept()", "self.accept()", "coroutine-not-awaited", "« await »"),
    ("self.user.get", "await self.user.get", "nothing-to-await", "« await » est de trop"),
    ("async def connect", "def connect", "not-async", "« async »"),
    ('f"Bien', '"Bien', "f-missing", "le « f »"),
    ("get_full_name()", "get_full_name", "not-called", "parenthèses"),
    ("{self.name}", "{self.name()}", "called-property", "parenthèses"),
    ("return self.user", "return user", "missing-self", "« self. »"),
    ("LAYERS = ", "# LAYERS = ", "commented", "« # »"),
    ('    "chat",\n', '    "chat"\n', "missing-sign", "« , »"),
    ('{"default": {}}', '{"default": {}}}', "extra-sign", "« } » est de trop"),
    ('"daphne",', "daphne,", "missing-quotes", "guillemets"),
    ("import asyncio", 'import "asyncio"', "quoted", "guillemets"),
    ("connect", "conect", "misspelt", "« connect », et non « conect »"),
    ("accept", "Accept", "case", "« accept », et non « Accept »"),
    ('    "chat",\n', "", "missing-element", "« chat » dans APPS"),
    (
        '    "chat",\n',
        '    "chat",\n    "chat",\n',
        "extra-element",
        "« chat » est de trop dans APPS",
    ),
    ("import asyncio\n", "", "missing-import", "import asyncio"),
    ('LAYERS = {"default": {}}\n', "", "missing-setting", "LAYERS"),
    (
        "        await self.accept()",
        "    await self.accept()",
        "indentation",
        "de 4, et doit être de 8 espaces",
    ),
    ('    "daphne",\n    "chat",\n', '    "chat",\n    "daphne",\n', "misplaced-lines", "l'ordre"),
    ("        await self.accept()\n", "", "missing-call", "appel à self.accept"),
    (
        "        await self.accept()\n",
        "        await self.accept()\n        self.greet()\n",
        "extra-call",
        "appel à self.greet est de trop",
    ),
    (
        "        await self.accept()\n",
        "        await self.accept()\n        self.age = 7\n",
        "extra-value",
        "self.age",
    ),
    ("(Consumer)", "()", "missing-word", "« Consumer »"),
    (RIGHT, "\n", "empty-file", "chat.py est vide"),
]


@pytest.fixture
def separated(tmp_path):
    """Donne les morceaux qui séparent un fichier du bon, et le projet où il est."""

    def separate(wrong: str):
        for name, text in (("mine", wrong), ("theirs", RIGHT)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "chat.py").write_text(text, "utf-8")
        return edits(tmp_path / "mine", tmp_path / "theirs"), tmp_path / "mine"

    return separate


@pytest.mark.parametrize(("good", "bad", "code", "words"), SLIPS, ids=[one[2] for one in SLIPS])
def test_a_slip_is_said(good, bad, code, words, separated):
    assert good in RIGHT
    part, project = separated(RIGHT.replace(good, bad))
    found = slip(part, project)
    assert found and found[0] == code
    assert words in found[1]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("await self.accept()", "await self.close()"),
        ("Bienvenue", "Bonjour"),
        ("        await self.accept()\n        await self.send", "        self"),
        ("return self.user.get_full_name()", "return None"),
    ],
)
def test_what_is_no_slip_is_not_said(good, bad, separated):
    assert slip(*separated(RIGHT.replace(good, bad))) is None


def test_a_slip_beside_something_else_is_not_said(separated):
    wrong = RIGHT.replace("await self.accept()", "self.accept()").replace("Bienvenue", "Bonjour")
    assert slip(*separated(wrong)) is None


def test_a_file_that_is_missing_is_no_slip(separated):
    part, project = separated(RIGHT.replace("Bienvenue", "Bonjour"))
    missing = Edit("ailleurs.py", "missing", lines=("import os",))
    assert slip([*part, missing], project) is None
    blank = [Edit("chat.py", "changed", rank, rank) for rank in (1, 2)]
    assert slip(blank, project) is None
