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


def test_the_table_of_answers_is_there_and_says_the_same_thing_once():
    rows = re.findall(r"^\| \d\d-.*", find_step("05").chapter.read_text("utf-8"), re.M)
    assert len(rows) == 5
    sheet = cheatsheet()
    assert "\n".join(rows[:4]) in sheet
    assert rows[4].replace("05-consumers", f"05 à {all_steps()[-1].slug[:2]}") in sheet
    assert sheet.count("Salut les gens !") == 1


def test_what_to_do_with_another_answer_is_there():
    assert "| `101, silence` | `connect`, dans `chat/consumers.py`" in cheatsheet()


def test_each_terminal_has_its_place_and_its_part():
    assert "| **atelier** | à la racine du dépôt | vérifie votre travail |" in cheatsheet()
    assert "| **projet** | dans live/, environnement actif | lance le client et les" in cheatsheet()


def test_both_systems_know_how_to_reopen_a_terminal():
    assert "| `source .venv/bin/activate` | `.venv\\Scripts\\Activate.ps1` |" in cheatsheet()


def test_a_lost_excerpt_is_named():
    where = r"steps/01-virtualenv/README\.md.*le tableau des réponses"
    with pytest.raises(WorkshopError, match=where):
        excerpt(find_step("01").chapter, "le tableau des réponses")
