"""La prose suit les règles de l'imprimerie française, ses liens mènent quelque part."""

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.prose import CODE, READERS, Text, files, texts
from workshop.basics import ROOT
from workshop.chapters.steps import PARSER, Delete, Patch, Rename, Write, all_steps
from workshop.publishing.pages import page

# Ce qui passe sur le fil garde l'espace ordinaire de 2016 : on le compare octet par octet.
ON_THE_WIRE = re.compile(r"Bienvenue [^!\n]* !|Salut les gens !|Bonjour depuis le navigateur !")
NO_BREAK = "\u00a0\u202f"
FAULTS = {
    "une espace insécable manque avant": rf"(?<=[^\s{NO_BREAK}]) (?=[;:!?»](?:[\s)\].,…*]|$))",
    "une espace insécable manque après": rf"«(?![{NO_BREAK}])",
    "une espace insécable manque avant le guillemet": rf"(?<![{NO_BREAK}])»",
    "les guillemets sont « »": r"[“”]",
    "l'apostrophe est droite": r"’",
    "les points de suspension sont un seul signe": r"(?<!\.)\.\.\.(?!\.)",
    "« À » prend son accent": rf"(?:^|[.!?…]\s|«[{NO_BREAK}]|\n)A (?=[a-zà-ÿ])",
    "ce mot donne à celui qui peine l'impression d'être seul": (
        r"(?i)\b(?:simplement|il suffit|facile(?:ment|s)?|juste)\b"
    ),
}
ONLY_IN_MARKDOWN = {
    "une espace manque": r"(?<=[\w»)])[;!?](?=\s|$)",
    "les guillemets droits sont pour le code": r'"',
}
SOURCES = [
    path
    for path in files(*READERS)
    # L'un n'est que réglages ; l'autre, que le cadre des pages.
    if path not in (ROOT / "pyproject.toml", ROOT / "workshop" / "page.html")
]
MARKDOWN = files(".md")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def prose(path: Path) -> list[Text]:
    """La prose d'un fichier. Des tests, on ne lit que les docstrings et les commentaires."""
    return list(texts(path))


def faults(content: str, rules: dict[str, str]) -> list[str]:
    """Renvoie, pour chaque faute, la règle et l'endroit."""
    content = ON_THE_WIRE.sub(CODE, content)
    return [
        f"{rule} : « {content[max(0, found.start() - 25) : found.end() + 15]} »"
        for rule, pattern in rules.items()
        for found in re.finditer(pattern, content, re.M)
    ]


@cache
def accented_words() -> dict[str, str]:
    """Les mots de notre prose qui commencent par une lettre accentuée, par leur forme sans elle."""
    found = {}
    for path in SOURCES:
        for text in prose(path):
            for word in re.findall(r"\b[éèêàçô]\w+", text.content):
                found[word.translate(str.maketrans("éèêàçô", "eeeaco"))] = word
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_typography(path):
    rules = FAULTS | (ONLY_IN_MARKDOWN if path.suffix == ".md" else {})
    found = [f"{text} : {fault}" for text in prose(path) for fault in faults(text.content, rules)]
    assert not found, "\n" + "\n".join(found)


def without_accent(read: list[Text]) -> list[str]:
    """Renvoie les mots d'une prose dont la capitale n'a pas son accent, et où ils sont."""
    known = accented_words()
    lower = {word for text in read for word in re.findall(r"\b[a-z]\w+", text.content)}
    return [
        f"{text} : « {word} » ; on écrit « {known[word.lower()].capitalize()} »"
        for text in read
        for word in re.findall(r"\b[EACO][a-zà-ÿ]+", text.content)
        if word.lower() in known and word.lower() not in lower
    ]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_accents_on_capitals(path):
    found = without_accent(prose(path))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "sentence",
    [
        "Que dit-il ?",
        "Il dit « oui\u00a0».",
        "Il dit «\u00a0oui ».",
        "Il dit “oui”.",
        "L’atelier",
        "Attendez...",
        "A vous de jouer",
        "Fini. A demain",
        "C'est facile",
        "Il suffit d'attendre",
    ],
)
def test_a_fault_is_found(sentence):
    assert len(faults(sentence, FAULTS)) >= 1


@pytest.mark.parametrize("sentence", ["Quoi?", 'Il dit "oui".'])
def test_a_fault_of_markdown_is_found(sentence):
    assert faults(sentence, ONLY_IN_MARKDOWN)


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("Ecrire un chapitre", "« Ecrire » ; on écrit « Écrire »"),
        ("Écrire un chapitre", ""),
        ("Avant d'écrire", ""),
        # Un nom de code, que ce texte écrit aussi sans capitale.
        ("Etat vaut etat", ""),
    ],
)
def test_a_capital_without_its_accent_is_found(sentence, fault):
    found = without_accent([Text(ROOT / "README.md", 3, sentence)])
    assert found == ([f"README.md:3 : {fault}"] if fault else [])


@pytest.mark.parametrize(
    ("suffix", "source", "read"),
    [
        (".py", 'print("Le dossier C:\\\\atelier est là")', ["Le dossier C:\\atelier est là"]),
        (".py", 'A = f"Il reste {free} Mo\\n"', [f"Il reste {CODE} Mo\n"]),
        (".py", 'A = r"un motif de \\d+", fr"et {b} un autre"', []),
        (".py", "a = 1  # Pourquoi un", ["Pourquoi un"]),
        (".html", "<p>Bonjour</p><style>a b</style>", ["Bonjour"]),
        (
            ".html",
            """<p>Un</p>\n<script>
            // Pourquoi ceci
            fetch("http://127.0.0.1/"); say('hors ligne : ' + "l'autre \\"page\\"");
            show(`→ ${text.value} de plus`); id("page"); /* Et cela */
            </script>""",
            [
                *("Un\n", "Pourquoi ceci", "hors ligne : ", 'l\'autre \\"page\\"'),
                *(f"→ {CODE} de plus", " Et cela "),
            ],
        ),
        (".js", "let a = 'un seul'  // Une note", ["un seul", "Une note"]),
        (".toml", 'a = ["une phrase", "mot"]', ["une phrase"]),
        (".md", "Un `mot`\n\n```python\nrien ici\n```\n", [f"Un {CODE}"]),
    ],
)
def test_what_is_read_of_a_file(tmp_path, suffix, source, read):
    path = tmp_path / f"texte{suffix}"
    path.write_text(source, "utf-8")
    assert [text.content for text in texts(path)] == read


def test_a_fault_of_a_script_is_on_its_line():
    page = ROOT / "workshop" / "demo" / "page.html"
    source = page.read_text("utf-8").split("\n")
    place = next(place for place, line in enumerate(source, 1) if "hors ligne" in line)
    assert place in {text.line for text in prose(page) if "hors ligne" in text.content}


@pytest.mark.parametrize(
    "sentence",
    [
        "Que dit-il\u00a0?",
        "Il dit «\u00a0oui\u00a0».",
        "À 14:05, sur http://127.0.0.1:8000/, A parle à B.",
        "Bienvenue Anonymous troll !",
        f"Tapez {CODE}\u00a0: il répond.",
    ],
)
def test_what_is_right_is_left(sentence):
    assert faults(sentence, FAULTS | ONLY_IN_MARKDOWN) == []


def test_there_is_prose_to_read():
    for suffix in READERS:
        read = [path for path in SOURCES if path.suffix == suffix]
        assert read and all(prose(path) for path in read if path.name != "__init__.py"), suffix


@cache
def anchors(path: Path) -> set[str]:
    """Renvoie les ancres des titres d'un texte, celles de sa page."""
    return set(re.findall(r'<h\d id="([^"]+)"', page(path.read_text("utf-8"))))


def links(path: Path):
    """Donne chaque lien et chaque image d'un texte : sa ligne, son adresse, et ce qu'on en lit."""
    for token in PARSER.parse(path.read_text("utf-8")):
        for child in token.children or []:
            if child.type == "link_open":
                yield token.map[0] + 1, child.attrGet("href"), "lien"
            elif child.type == "image":
                yield token.map[0] + 1, child.attrGet("src"), child.content


def dead(path: Path, address: str) -> str:
    """Renvoie pourquoi un lien est mort, ou une chaîne vide."""
    if address.startswith(("https://", "http://127.0.0.1:8000")):
        return ""
    if re.match(r"\w+:", address):
        return "cette adresse n'est ni https ni chez nous"
    target, _, heading = address.partition("#")
    found = (path.parent / unquote(target)).resolve() if target else path
    if not found.exists():
        return "ce fichier n'existe pas"
    if heading and unquote(heading) not in anchors(found):
        return "ce titre n'existe pas"
    return ""


@pytest.mark.parametrize("path", MARKDOWN, ids=name)
def test_links_lead_somewhere(path):
    found = [
        f"{name(path)}:{line} : {address} : {why or 'image sans texte'}"
        for line, address, read in links(path)
        if (why := dead(path, address)) or not read
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "address", ["nulle-part.md", "README.md#un-titre-qui-manque", "#rien", "http://exemple.fr"]
)
def test_a_dead_link_is_found(address):
    assert dead(ROOT / "README.md", address)


@pytest.mark.parametrize("address", ["steps/05-consumers/README.md#à-vous", "docs", "#le-parcours"])
def test_a_good_link_is_left(address):
    assert dead(ROOT / "README.md", address) == ""


def bold_paths(step) -> list[tuple[int, str]]:
    """Renvoie les chemins qu'un chapitre écrit en gras et en code, légendes comprises."""
    return [
        (token.map[0] + 1, code.content)
        for token in step.tokens
        for strong, code in pairwise(token.children or [])
        if strong.type == "strong_open" and code.type == "code_inline"
    ]


@pytest.mark.parametrize("step", all_steps(), ids=lambda step: step.slug)
def test_the_paths_of_a_chapter_are_real(step):
    gone = {act.path for act in step.acts if isinstance(act, Delete | Rename)}
    acts = [act for act in step.acts if isinstance(act, Write | Patch)]
    paths = [(act.line, act.path) for act in acts] + bold_paths(step)
    missing = [
        f"ligne {line} : {path}"
        for line, path in paths
        if path not in gone and not (step.solution / path).is_file()
    ]
    assert not missing, missing
