"""Ce que prend un vrai Chromium : l'image du README, celle de la console, la page à imprimer."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workshop.basics import WorkshopError
from workshop.browsers.finding import browser, find_chromium
from workshop.chapters.steps import find_step
from workshop.demo import running_demo
from workshop.publishing.cheatsheet import cheatsheet
from workshop.publishing.pages import page
from workshop.system.processes import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEP = "06"
CONVERSATION = [
    (0, "Salut les gens !"),
    (1, "Salut ! Tu écris d'où ?"),
    (0, "D'un autre navigateur."),
    (2, "<b>Même pas en gras</b>"),
]
SHARP = {"device_scale_factor": 2, "color_scheme": "light"}
# Du plus confortable au plus petit qui se lise imprimé.
POINTS = (9, 8.5, 8, 7.5, 7)


def take_chat(path: Path) -> None:
    """Prend l'image d'une conversation à trois, dans la page de la démonstration."""
    with running_demo(find_step(STEP)) as server, browser(find_chromium()) as chromium:
        size = {"width": 1000, "height": 480}
        members = [chromium.new_page(viewport=size, **SHARP) for _ in range(3)]
        for member in members:
            member.goto(server.url)
            member.get_by_text("Bienvenue").first.wait_for()
        for speaker, text in CONVERSATION:
            members[speaker].fill("#text", text)
            members[speaker].press("#text", "Enter")
            members[0].locator("#messages li", has_text=text).wait_for()
        members[0].fill("#text", "À vous")
        # Sans les mesures, qui changent d'une fois à l'autre.
        members[0].screenshot(path=path, full_page=True, style="dl { display: none }")


def take_console(path: Path) -> None:
    """Prend l'image de la console où l'on a collé `console.js`."""
    with console() as devtools:
        devtools.screenshot(path=path)


@contextmanager
def console() -> Iterator["Page"]:
    """Donne la vraie console d'une page du chat, où l'on a collé `console.js`."""
    step, port = find_step(STEP), free_port()
    opened = (f"--remote-debugging-port={port}", "--remote-allow-origins=*")
    with running_demo(step) as server, browser(find_chromium(), *opened) as chromium:
        visited = chromium.new_page()
        # Ailleurs que sur la page de la démonstration, qui a déjà une variable ws.
        visited.goto(f"{server.url}/admin/login/")
        session = visited.context.new_cdp_session(visited)
        target = session.send("Target.getTargetInfo")["targetInfo"]["targetId"]
        devtools = chromium.new_page(viewport={"width": 760, "height": 236}, **SHARP)
        # La console seule, sans la copie de la page à côté.
        devtools.add_init_script(
            "localStorage.setItem('screencast-enabled', 'false');"
            "localStorage.setItem('panel-selected-tab', '\"console\"');"
        )
        address = f"127.0.0.1:{port}/devtools"
        devtools.goto(f"http://{address}/inspector.html?ws={address}/page/{target}")
        prompt = devtools.locator("#console-prompt .cm-content")
        prompt.wait_for()
        # À la deuxième visite, le navigateur ne se plaint plus que le site n'a pas d'icône.
        visited.reload()
        prompt.click()
        devtools.keyboard.insert_text((step.solution / "console.js").read_text("utf-8").rstrip())
        devtools.keyboard.press("Enter")
        devtools.get_by_text("<Anonymous troll> Bonjour depuis le navigateur !").wait_for()
        yield devtools


def print_cheatsheet(path: Path) -> None:
    """Imprime l'aide-mémoire sur une page A4 ; lève WorkshopError si elle déborde."""
    style = Path(__file__).with_name("cheatsheet.css").read_text("utf-8")
    with browser(find_chromium()) as chromium:
        sheet = chromium.new_page()
        sheet.set_content(page(cheatsheet(), style))
        for points in POINTS:
            sheet.evaluate(f"document.documentElement.style.fontSize = '{points}pt'")
            printed = sheet.pdf(prefer_css_page_size=True, tagged=True)
            if page_count(printed) <= 2:
                path.write_bytes(printed)
                return
    raise WorkshopError(
        "L'aide-mémoire ne tient plus sur une page. Raccourcissez une rubrique « À retenir », ou "
        "les premières phrases du glossaire, puis relancez construire."
    )


def page_count(pdf: bytes) -> int:
    """Renvoie le nombre de pages d'un PDF de Chromium, qui n'y compresse pas les objets."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf))
