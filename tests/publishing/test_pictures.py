"""Les images et la page à imprimer montrent ce qu'elles disent."""

import pytest

from workshop.basics import WorkshopError
from workshop.publishing import pictures
from workshop.publishing.pictures import console, page_count, print_cheatsheet, take_chat


def test_the_console_is_the_real_one_and_has_heard_the_chat(chromium):
    with console() as devtools:
        lines = devtools.locator(".console-message-text").all_inner_texts()
        assert devtools.get_by_role("tab", name="Console", selected=True).is_visible()
    assert lines[-2:] == [
        "Bienvenue Anonymous troll !",
        "<Anonymous troll> Bonjour depuis le navigateur !",
    ]


def test_the_conversation_takes_place(chromium, tmp_path):
    # Elle attend que chaque phrase s'affiche : une page ou un chat qui change se voit ici.
    take_chat(tmp_path / "chat.png")
    assert (tmp_path / "chat.png").read_bytes().startswith(b"\x89PNG")


def test_the_sheet_has_two_sides(chromium, tmp_path):
    print_cheatsheet(tmp_path / "sheet.pdf")
    assert page_count((tmp_path / "sheet.pdf").read_bytes()) == 2


def test_a_sheet_too_long_says_what_to_shorten(chromium, tmp_path, monkeypatch):
    monkeypatch.setattr(
        pictures, "cheatsheet", lambda: "# Trop\n\n" + "- une ligne de trop\n" * 500
    )
    with pytest.raises(WorkshopError, match="À retenir"):
        print_cheatsheet(tmp_path / "sheet.pdf")
    assert not (tmp_path / "sheet.pdf").exists()
