"""L'aide-mémoire reprend les chapitres et le glossaire, mot pour mot."""

import re

import pytest

from workshop.basics import WorkshopError
from workshop.chapters.steps import all_steps, find_step
from workshop.publishing.cheatsheet import cheatsheet, excerpt, words

GLOSSARY = """## consommateur

*consumer* · [chapitre 04](steps/04-routing/README.md)

La classe qui tient
une conversation, `Consumer`. Une instance par connexion.

Elle a trois méthodes.

## scope

[chapitre 05](steps/05-consumers/README.md)

Ce que l'on sait d'une connexion
"""


def test_a_word_has_its_english_its_chapter_and_its_first_sentence():
    assert words(GLOSSARY).splitlines() == [
        "- **consommateur** (*consumer*, [04](steps/04-routing/README.md)). "
        "La classe qui tient une conversation, `Consumer`.",
        "- **scope** ([05](steps/05-consumers/README.md)). Ce que l'on sait d'une connexion",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [("*consumer* ·", "consumer,"), ("[chapitre 04]", "[04]"), ("md)\n\nLa", "md) La")],
)
def test_a_malformed_word_is_named(old, new):
    assert old in GLOSSARY
    with pytest.raises(WorkshopError, match="« consommateur »"):
        words(GLOSSARY.replace(old, new))


def test_everything_to_remember_is_there():
    sheet = cheatsheet()
    for step in all_steps():
        assert f"### [{step.slug[:2]} · {step.title}](steps/{step.slug}/README.md)\n" in sheet
        remembered = step.chapter.read_text("utf-8").split("## À retenir\n")[1].strip()
        assert remembered in sheet


def test_the_table_of_answers_is_there():
    rows = re.findall(r"^\| \d\d-.*", find_step("06").chapter.read_text("utf-8"), re.M)
    assert len(rows) == 6
    assert "\n".join(rows) in cheatsheet()


def test_each_terminal_has_its_place_and_its_part():
    assert "| **atelier** | à la racine du dépôt | vérifie votre travail |" in cheatsheet()
    assert "| **projet** | dans live/, environnement actif | lance le client et les" in cheatsheet()


def test_both_systems_know_how_to_reopen_a_terminal():
    assert "| `source .venv/bin/activate` | `.venv\\Scripts\\Activate.ps1` |" in cheatsheet()


def test_a_lost_excerpt_is_named():
    where = r"steps/01-virtualenv/README\.md.*le tableau des réponses"
    with pytest.raises(WorkshopError, match=where):
        excerpt(find_step("01").chapter, "le tableau des réponses")
