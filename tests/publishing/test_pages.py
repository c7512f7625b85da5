"""Les pages : ce que GitHub montre d'un texte, sans GitHub et sans réseau."""

import re
from collections import Counter

from workshop.publishing.pages import anchor, page


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
