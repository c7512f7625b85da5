"""Ce que l'on fait des diapositives : la page de chaque jeu, et toutes sur le papier."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from string import Template

from workshop.basics import ROOT, WorkshopError
from workshop.browsers.finding import MissingTool, browser, find_chromium
from workshop.publishing.slides import LABELS

SLIDES = ROOT / "slides"
MARP = SLIDES / "node_modules/@marp-team/marp-cli/marp-cli.js"
DEADLINE = 60
HANDOUT = Template(Path(__file__).with_name("handout.html").read_text("utf-8"))
LABEL = re.compile(rf"^((?:<p>)?(?:{'|'.join(LABELS)})[ \u00a0]:)", re.M)
# Ce que Marp écrit en anglais autour des diapositives.
FRENCH = {
    "Previous slide": "Diapositive précédente",
    "Next slide": "Diapositive suivante",
    "Toggle fullscreen": "Plein écran",
    "Toggle overview view": "Vue d'ensemble",
    "Close overview": "Fermer la vue d'ensemble",
    "[Overview]": "[Vue d'ensemble]",
    "Open presenter view": "Vue de présentation",
    "[Presenter view]": "[Vue de présentation]",
    "Smaller notes font size": "Notes plus petites",
    "Bigger notes font size": "Notes plus grandes",
    "Current time": "Heure",
    'title:"Timer"': 'title:"Chronomètre"',
    '"Previous"': '"Précédente"',
    '"Next"': '"Suivante"',
    "Page ${t+1} of": "Page ${t+1} sur",
}


def make_deck(path: Path) -> None:
    """Écrit la page du jeu de diapositives qui porte ce nom, en un seul fichier.

    Lève MissingTool si Node manque, ou Marp, et WorkshopError si Marp refuse le jeu.
    """
    deck = SLIDES / f"{path.stem}.md"
    made = marp(deck.name)
    for english, french in FRENCH.items():
        if english not in made:
            raise WorkshopError(f"Marp n'écrit plus « {english} » : revoyez FRENCH, dans marp.py.")
        made = made.replace(english, french)
    made = re.sub(r'(?<=<img src=")[^"]+', lambda image: data(deck.parent / image[0]), made)
    clock = (SLIDES / "clock.js").read_text("utf-8")
    made = made.replace("</body>", f"<script>\n{clock}</script></body>")
    path.parent.mkdir(exist_ok=True)
    path.write_text(made, "utf-8", newline="\n")


def made_page(deck: Path) -> Path:
    """Renvoie la page d'un jeu ; lève WorkshopError si elle n'est pas encore faite."""
    page = SLIDES / "html" / f"{deck.stem}.html"
    if not page.exists():
        raise WorkshopError(f"La page de slides/{deck.name} n'est pas faite. Lancez construire.")
    return page


def marp(deck: str) -> str:
    """Renvoie la page que Marp fait d'un jeu de `slides`."""
    node = shutil.which("node")
    if not node:
        raise MissingTool(
            "Il manque Node : installez-le (https://nodejs.org), puis tapez npm ci --prefix slides"
        )
    if not MARP.exists():
        raise MissingTool("Il manque Marp : tapez npm ci --prefix slides")
    try:
        done = subprocess.run(
            [node, MARP, "--config-file", "marp.config.mjs", "--output", "-", deck],
            cwd=SLIDES,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
        )
    except subprocess.TimeoutExpired:
        raise WorkshopError(f"Marp n'a pas fini slides/{deck} en {DEADLINE} secondes.") from None
    if done.returncode:
        raise WorkshopError(f"Marp refuse slides/{deck} : {done.stderr.strip()}")
    return done.stdout


def data(image: Path) -> str:
    """Renvoie l'adresse qui contient un dessin entier."""
    return f"data:image/svg+xml;base64,{base64.b64encode(image.read_bytes()).decode()}"


def print_decks(decks: list[Path], path: Path) -> None:
    """Imprime sur A4 les diapositives de ces pages, chacune avec sa note.

    Lève MissingTool s'il manque un Chromium, et WorkshopError si `path` ne peut pas s'écrire.
    """
    made = [deck.read_text("utf-8") for deck in decks]
    theme = re.findall(r"<style>.*?</style>", made[0].partition("</head>")[0], re.S)[-1]
    sheets = "".join(f"<main>{''.join(sheets_of(deck))}</main>" for deck in made)
    with browser(find_chromium()) as launched:
        paper = launched.new_page()
        paper.set_content(HANDOUT.substitute(theme=theme, sheets=sheets))
        # Pour le papier, Marp a d'autres règles, d'une diapositive par page.
        paper.emulate_media(media="screen")
        printed = paper.pdf(prefer_css_page_size=True, tagged=True, outline=True)
    try:
        path.write_bytes(printed)
    except OSError as error:
        raise WorkshopError(f"{path} ne peut pas s'écrire : {error.strerror}.") from None


def sheets_of(made: str) -> Iterator[str]:
    """Donne chaque diapositive d'une page de Marp, avec sa note en dessous."""
    notes = dict(re.findall(r'"bespoke-marp-note" data-index="(\d+)"[^>]*>(.*?)</div>', made, re.S))
    # Marp glisse un script dans la dernière.
    inert = re.sub(r"<script>.*?</script>", "", made, flags=re.S)
    for index, slide in enumerate(re.findall(r"<svg data-marpit-svg.*?</svg>", inert, re.S)):
        note = re.sub(r"`([^`]+)`", r"<code>\1</code>", notes.get(str(index), ""))
        note = LABEL.sub(r"<br><b>\1</b>", note)
        yield f'<article><div id=":$p">{slide}</div><footer>{note}</footer></article>'
