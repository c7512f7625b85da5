"""Le glossaire a une forme fixe, et dit tous les mots des chapitres, là où on les rencontre."""

import re
import unicodedata
from dataclasses import dataclass

from workshop.basics import ROOT
from workshop.chapters.steps import Step, all_steps, find_step

PARAGRAPH = r"\S+(?:\s(?!\n)\S+)*"
ENTRY = re.compile(
    r"## (?P<term>[^\n]+)\n\n"
    r"\*(?P<english>[^*\n]+)\* · \[chapitre (?P<number>\d\d)\]\((?P<link>[^)\s]+)\)\n\n"
    rf"(?P<definition>{PARAGRAPH})\n"
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý«`*])")
# Ce que l'on voit sur un écran, mot pour mot : le nom d'une fenêtre, d'un onglet, d'une ligne. À
# partir de trois mots, c'est toujours cela, ou un message d'erreur.
ON_SCREEN = {"PowerShell", "Terminal", "Requires", "Réglages", "Avancés"}


@dataclass(frozen=True)
class Entry:
    """Un mot du glossaire."""

    term: str
    english: str
    number: str
    link: str
    definition: str

    @property
    def names(self) -> list[str]:
        """Ce mot en français, puis en anglais, parfois sous deux noms."""
        return [self.term, *self.english.split(", ")]


def parts() -> list[str]:
    return re.split(r"(?<=\n)\n(?=## )", (ROOT / "GLOSSAIRE.md").read_text("utf-8"))


def entries() -> list[Entry]:
    return [Entry(**found.groupdict()) for part in parts() if (found := ENTRY.fullmatch(part))]


def letters(text: str) -> str:
    """Ce qui compte pour ranger un mot, ou le reconnaître : ses lettres, sans accents."""
    plain = unicodedata.normalize("NFD", text.casefold())
    return "".join(filter(str.isalpha, plain))


def singular(text: str) -> str:
    return letters(" ".join(word.removesuffix("s") for word in text.split()))


def prose(step: Step) -> str:
    """Le texte d'un chapitre, sans son code."""
    texts = [child for token in step.tokens for child in token.children or []]
    return " ".join(child.content for child in texts if child.type == "text")


def emphasised(step: Step) -> list[str]:
    """Les mots qu'un chapitre met en italique, dans l'ordre ; ni messages, ni noms d'écran."""
    found = []
    for token in step.tokens:
        children = token.children or []
        for i, child in enumerate(children):
            if child.type == "em_open":
                ends = (j for j in range(i, len(children)) if children[j].type == "em_close")
                found.append(" ".join(one.content for one in children[i + 1 : next(ends)]))
    return [text for text in found if len(text.split()) < 3 and text not in ON_SCREEN]


def test_the_form_is_the_one_that_is_read_elsewhere():
    introduction, *words = parts()
    assert re.fullmatch(rf"# Glossaire\n\n{PARAGRAPH}\n", introduction)
    assert [word for word in words if not ENTRY.fullmatch(word)] == []


def test_the_first_sentence_is_short_and_two_others_may_help():
    for entry in entries():
        first, *others = SENTENCE_END.split(entry.definition)
        assert len(re.findall(r"[^\s:;?!«»]+", first)) <= 15, first
        assert len(others) <= 2 and entry.definition.endswith("."), entry.term


def test_the_words_are_in_french_order():
    terms = [entry.term for entry in entries()]
    assert terms == sorted(terms, key=letters)
    assert len(set(terms)) == len(terms)


def test_each_link_leads_to_its_chapter():
    wrong = [one.term for one in entries() if one.link != find_step(one.number).shown_chapter]
    assert wrong == []


def test_each_word_is_in_its_chapter():
    for entry in entries():
        text = prose(find_step(entry.number))
        names = "|".join(map(re.escape, entry.names))
        assert re.search(rf"\b(?:{names})s?\b", text, re.I), (entry.term, entry.number)


def test_each_word_in_italics_is_there_with_the_first_chapter_that_says_it():
    known = {singular(name): entry.number for entry in entries() for name in entry.names}
    first = {}
    for step in all_steps():
        for text in emphasised(step):
            first.setdefault(text, step.slug[:2])
    assert {text: known.get(singular(text)) for text in first} == first
