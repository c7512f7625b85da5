"""L'avis sur l'orthographe : il voit une faute, et se tait sur ce qui est bien écrit."""

import shutil

import pytest

from tests import spelling

pytestmark = pytest.mark.skipif(
    not shutil.which("hunspell"), reason="hunspell manque, avec hunspell-fr et hunspell-en-us"
)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Un texte où deux mots sont faux, et un autre inconnu."""
    page = tmp_path / "page.md"
    page.write_text("# Un tittre\n\nUn consommateur, aujourd'hui, attand le zorglub.\n", "utf-8")
    monkeypatch.setattr("tests.prose.ROOT", tmp_path)
    monkeypatch.setattr(spelling, "SOURCES", [page])
    monkeypatch.setattr(spelling, "WORDS", tmp_path / "words.txt")
    return page


def test_a_fault_is_seen_where_it_is(page):
    (page.parent / "words.txt").write_text("zorglub\n", "utf-8")
    assert spelling.unknown_words() == {"attand": ["page.md:3"], "tittre": ["page.md:1"]}


def test_a_word_of_ours_is_left(page):
    (page.parent / "words.txt").write_text("", "utf-8")
    assert "zorglub" in spelling.unknown_words()


def test_without_its_dictionary_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(spelling, "DICTIONARIES", "volapük")
    spelling.main()
    assert "installez hunspell-fr" in capsys.readouterr().out


def test_our_words_are_in_order():
    words = spelling.WORDS.read_text("utf-8").split()
    assert words == sorted(set(words), key=str.lower)
