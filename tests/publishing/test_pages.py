"""Les pages : ce que GitHub montre d'un texte, sans GitHub et sans réseau."""

import re
import shutil
from collections import Counter
from urllib.parse import unquote

import pytest

from tests.browser import browser_page
from workshop.basics import ROOT
from workshop.publishing.pages import anchor, page, render_all


@pytest.mark.parametrize(
    ("target", "rewritten"),
    [
        ("../05-consumers/README.md", "../05-consumers/README.html"),
        ("README.md#indices", "README.html#indices"),
        ("#indices", "#indices"),
        ("../../solutions/05-consumers", "../../solutions/05-consumers"),
        ("LICENSE", "LICENSE"),
        ("https://example.org/README.md", "https://example.org/README.md"),
    ],
)
def test_links_lead_to_the_pages(target, rewritten):
    assert f'<a href="{rewritten}">ici</a>' in page(f"# Titre\n\n[ici]({target})\n")


def test_headings_have_the_anchors_of_github():
    titles = [
        "À retenir",
        "1. Trois terminaux",
        "`live/.venv` contient un Python 3.11 ou plus récent",
        "Qui arrive entend `Bienvenue Anonymous troll !`",
        "Un *virtual environment*",
        "À retenir",
    ]
    text = "".join(f"## {title}\n\n" for title in titles)
    assert re.findall(r'<h2 id="([^"]*)">', page(text)) == [
        "à-retenir",
        "1-trois-terminaux",
        "livevenv-contient-un-python-311-ou-plus-récent",
        "qui-arrive-entend-bienvenue-anonymous-troll-",
        "un-virtual-environment",
        "à-retenir-1",
    ]


def test_a_non_breaking_space_leaves_no_trace_in_an_anchor():
    assert anchor("Pourquoi\u00a0? Parce que", Counter()) == "pourquoi-parce-que"


def test_code_is_escaped_in_every_language():
    attack = "<img src=x onerror=alert(1)>"
    for language in ("python", "js", "diff", "text", "inconnu", ""):
        html = page(f"# `{attack}`\n\n`{attack}`\n\n```{language}\n{attack}\n```\n")
        assert "<img" not in html
        assert html.count("&lt;") >= 4


def test_a_difference_shows_its_lines():
    html = page("```diff\n a\n-b\n+c\n```\n")
    assert '<span class="gd">-b</span>' in html and '<span class="gi">+c</span>' in html


def test_a_folded_answer_is_rendered():
    html = page("<details><summary>Réponse</summary>\n\nUn **mot**.\n\n</details>\n")
    assert "<details><summary>Réponse</summary>\n<p>Un <strong>mot</strong>.</p>" in html


def test_the_title_is_the_heading():
    html = page("# Le `scope` & le *reste*\n\n# Un autre\n")
    assert "<title>Le scope &amp; le reste</title>" in html


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Les textes du dépôt, leurs images et leurs pages."""
    root = tmp_path_factory.mktemp("pages") / "atelier é à"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".*", "live", "__pycache__"))
    return root, render_all(root)


def test_no_link_is_dead(rendered):
    root, pages = rendered
    assert {root / "README.html", root / "steps/06-console/README.html"} < set(pages)
    for path in pages:
        for link in re.findall(r'<[^>]*(?:href|src)="([^"]+)"', path.read_text("utf-8")):
            target, _, fragment = unquote(link).partition("#")
            there = (path.parent / target).resolve() if target else path
            # Ce qui sort du dépôt est une page de GitHub.
            if re.match(r"\w+:", target) or not there.is_relative_to(root.resolve()):
                continue
            assert there.exists(), f"{path.relative_to(root)} : {link}"
            if fragment:
                assert f'id="{fragment}"' in there.read_text("utf-8"), link


def test_a_page_asks_the_network_for_nothing_and_fits_a_phone(rendered, chromium):
    asked = []
    with browser_page(chromium) as phone:
        phone.set_viewport_size({"width": 390, "height": 800})
        phone.on("request", lambda request: asked.append(request.url))
        for path in rendered[1]:
            phone.goto(path.as_uri())
            phone.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert phone.evaluate("document.documentElement.scrollWidth") == 390, path
    assert {url.split(":")[0] for url in asked} == {"file"}
