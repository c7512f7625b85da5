"""Les pages de l'atelier : ce que GitHub montre des textes, sans GitHub et sans réseau."""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from tests.browser import browser_page
from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import all_steps
from workshop.publishing import site


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Les pages, et ce dont Sphinx a averti."""
    folder = tmp_path_factory.mktemp("pages") / "pages é à"
    return folder, site.build(folder)


# Un chapitre en chantier n'a pas encore de carnet, et nomme des fichiers qui viendront.
UNFINISHED = [
    one.slug for one in all_steps() if not (ROOT / f"notebooks/{one.slug}.ipynb").exists()
]


def is_unfinished(where) -> bool:
    return any(slug in str(where) for slug in UNFINISHED)


def test_sphinx_has_nothing_to_say(made):
    assert [one for one in made[1] if not is_unfinished(one)] == []


class Page(HTMLParser):
    """Les liens et les ancres d'une page, et si ses balises se ferment dans l'ordre."""

    EMPTY = ("meta", "link", "input", "img", "br", "hr")

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.open = [], set(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.links += [named[key] for key in ("href", "src", "action") if named.get(key)]
        self.anchors.add(named.get("id"))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag in self.EMPTY or self.open.pop() == tag, (tag, self.getpos())


def pages(folder):
    """Donne chaque page faite d'un texte : son chemin, et ce qu'elle a."""
    for path in sorted(folder.rglob("*.html")):
        if "slides/html" not in path.as_posix():
            yield path, Page(path.read_text("utf-8"))


def test_no_link_is_dead(made):
    folder = made[0]
    known = {path: page.anchors for path, page in pages(folder)}
    assert len(known) > 40
    for path, page in pages(folder):
        assert page.open == [], path
        for link in page.links:
            target, _, fragment = unquote(link).partition("#")
            target = target.partition("?")[0]
            if re.match(r"\w+:", target) or is_unfinished(path):
                continue
            there = (path.parent / target).resolve() if target else path
            assert there.is_file(), f"{path.relative_to(folder)} : {link}"
            if fragment and there in known:
                assert fragment in known[there], f"{path.relative_to(folder)} : {link}"


def test_every_text_has_its_page_and_every_chapter_what_goes_with_it(made):
    folder = made[0]
    for name in ("index", "README", "FAUTES", "ANIMER", "GLOSSAIRE", "AIDE-MEMOIRE", "search"):
        assert (folder / f"{name}.html").is_file()
    for step in all_steps():
        page = Page((folder / "steps" / step.slug / "README.html").read_text("utf-8"))
        for link, kept in (
            (f"../../notebooks/{step.slug}.html", f"notebooks/{step.slug}.ipynb"),
            (f"../../slides/html/{step.slug}.html", f"slides/html/{step.slug}.html"),
        ):
            assert (link in page.links) is (ROOT / kept).is_file(), (step.slug, link)


def test_a_solution_and_a_notebook_are_read_whole(made):
    solution = (made[0] / "solutions/05-consumers/README.html").read_text("utf-8")
    assert "chat/consumers.py" in solution and "group_discard" in solution
    notebook = (made[0] / "notebooks/05-consumers.html").read_text("utf-8")
    assert "Bienvenue Anonymous troll" in notebook


def test_an_attack_in_a_text_is_only_a_text(tmp_path):
    attack = "<img src=x onerror=alert(1)>"
    fences = "".join(f"```{name}\n{attack}\n```\n\n" for name in ("python", "diff", "text", "zz"))
    site.build(tmp_path / "pages", {"ATTAQUE.md": f"# `{attack}`\n\n{fences}"})
    page = (tmp_path / "pages" / "ATTAQUE.html").read_text("utf-8")
    assert "<img" not in page and page.count("&lt;") >= 5


@pytest.mark.parametrize(
    ("word", "same"),
    [("élèves", "eleve"), ("RECONNEXIONS".lower(), "reconnexion"), ("été", "ete"), ("œufs", "œuf")],
)
def test_a_word_and_its_plural_are_one_with_or_without_accents(word, same):
    french = site.French({})
    assert french.stem(word) == french.stem(same)


def test_empty_words_are_left_with_or_without_accents():
    assert {"à", "le", "étaient", "etaient"} <= site.French.stopwords


def test_a_folder_that_holds_something_else_is_kept(tmp_path):
    (tmp_path / "thèse.txt").write_text("Trois ans.", "utf-8")
    with pytest.raises(WorkshopError, match="contient autre chose que des pages"):
        site.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thèse.txt"]


def test_the_pages_are_read_from_a_key_and_ask_the_network_for_nothing(made, chromium):
    asked, errors = [], []
    with browser_page(chromium) as phone:
        phone.set_viewport_size({"width": 320, "height": 700})
        phone.on("request", lambda request: asked.append(request.url))
        phone.on("pageerror", lambda error: errors.append(str(error)))
        for path, _ in pages(made[0]):
            phone.goto(path.as_uri())
            phone.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert phone.evaluate("document.documentElement.scrollWidth") == 320, path
        assert not errors
        phone.goto((made[0] / "index.html").as_uri())
        phone.fill("#search", "reconnexion")
        phone.press("#search", "Enter")
        phone.locator(".search li a", has_text="08 · Revenir").first.click()
        phone.get_by_role("heading", name="08 · Revenir").wait_for()
    assert {url.split(":")[0] for url in asked} == {"file"}
