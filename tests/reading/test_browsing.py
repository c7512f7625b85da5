"""Les pages de `lire` dans de vrais navigateurs : accessibles, à toutes les tailles, et utiles."""

import json
import os
from pathlib import Path

import pytest

from tests.accessibility import accessible
from tests.reading.serving import running_reader
from workshop.chapters.steps import find_step

pytestmark = pytest.mark.asyncio(loop_scope="module")
CHAPTER = "/steps/05-consumers/README.html"
# Où garder les images des pages, pour les regarder.
PICTURES = os.environ.get("ATELIER_PICTURES")
# Note tout ce qui partirait de la page.
SPY = """
window.sent = [];
for (const [where, name] of [[window, "fetch"], [XMLHttpRequest.prototype, "send"],
                             [WebSocket.prototype, "send"], [navigator, "sendBeacon"]])
  where[name] = (...what) => window.sent.push([name, ...what]);
"""


@pytest.fixture(scope="module")
def reader():
    with running_reader(find_step("05").solution, "05-consumers") as running:
        yield running


async def keep(page, name: str) -> None:
    if PICTURES:
        Path(PICTURES, f"{name}.png").write_bytes(await page.screenshot())


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/steps/03-settings/README.html",
        "/GLOSSAIRE.html",
        "/notebooks/01-virtualenv.html",
        "/solutions/02-startproject/README.html",
        "/search.html?q=reconnexion",
    ],
)
async def test_a_page_is_accessible_and_fits(opened, reader, kind, axe, path):
    page = await opened.page()
    # Firefox ne s'assombrit pas sur commande.
    for width, dark in ((1280, False), (320, False), *([(320, True)] * (kind == "chromium"))):
        await page.emulate(width, dark)
        await page.goto(reader.url + path)
        await page.wait_for("document.querySelector('#live summary')?.textContent.includes('05')")
        if "search" in path:
            await page.wait_for("document.querySelectorAll('.search li .context').length", 10)
        await page.run("document.querySelectorAll('details').forEach((one) => one.open = true)")
        await accessible(page, axe)
        name = path.strip("/").replace("/", "-").partition(".")[0] or "accueil"
        await keep(page, f"lire-{name}-{width}-{'sombre' if dark else 'clair'}-{kind}")
    assert page.errors == []


async def test_an_answer_waits_for_a_prediction_that_stays_here(opened, reader):
    page = await opened.page()
    await page.prepare(SPY)
    await page.goto(reader.url + CHAPTER)
    form, answer = (
        "document.querySelector('form.prediction')",
        "document.querySelector('main details')",
    )
    shown = f"({answer}.checkVisibility())"
    assert await page.run(f"{shown} || {answer}.open") is False
    await page.run(f"{form}.requestSubmit()")
    assert await page.run(shown) is False, "une prévision vide n'en est pas une"
    words = "Rien <img src=x onerror=title='pris'>"
    await page.run(f"{form}.querySelector('textarea').value = {json.dumps(words)}, null")
    await page.run(f"{form}.requestSubmit()")
    assert await page.run(shown) is True
    assert await page.run("document.activeElement.textContent") == "La changer"
    await page.goto(reader.url + CHAPTER)
    assert (
        await page.run("document.querySelector('.mine').textContent")
        == f"Vous aviez répondu : {words}"
    )
    assert await page.run(f"{shown} && {form}.hidden") is True
    assert await page.run("document.title") == "05 · Le chat"
    # La première question interroge ; les suivantes demandent ce que l'on va voir.
    labels = "[...document.querySelectorAll('.prediction label')].map((one) => one.innerText)"
    assert (await page.run(labels))[1].strip() == "Votre prévision"
    # La suivante attend toujours, et rien n'est parti.
    assert await page.run("document.querySelectorAll('form.prediction:not([hidden])').length > 10")
    assert await page.run("window.sent") == []
    assert page.errors == []


async def test_one_may_read_without_predicting(opened, reader):
    page = await opened.page()
    await page.goto(reader.url + CHAPTER)
    await page.run("[...document.querySelectorAll('form.prediction button')].at(-1).click()")
    assert await page.run("document.activeElement.tagName") == "SUMMARY"
    assert await page.run("document.activeElement.parentElement.open") is True


async def test_what_asks_nothing_is_folded_as_ever(opened, reader):
    page = await opened.page()
    await page.goto(reader.url + CHAPTER)
    copied = (
        "[...document.querySelectorAll('main details')]"
        ".find((one) => one.innerText.startsWith('Les lignes'))"
    )
    assert await page.run(f"{copied}.checkVisibility() && !{copied}.open") is True


async def test_a_system_chosen_once_hides_the_blocks_of_the_other(opened, reader):
    page = await opened.page()
    count = """
      ["bash + .highlight-powershell", "bash:has(+ .highlight-powershell)"].map((one) =>
        [...document.querySelectorAll(`main > section > section > .highlight-${one}`)]
          .filter((block) => block.checkVisibility()).length)
    """
    await page.goto(reader.url + "/steps/01-virtualenv/README.html")
    await page.run("document.querySelector('[value=windows]').click()")
    windows, unix = await page.run(count)
    assert windows >= 3 and unix == 0
    await page.goto(reader.url + CHAPTER)
    windows, unix = await page.run(count)
    assert windows >= 3 and unix == 0
    assert await page.run("document.querySelector('[value=windows]').checked") is True
    await page.run("document.querySelector('[value=unix]').click()")
    windows, unix = await page.run(count)
    assert unix >= 3 and windows == 0


async def test_a_button_copies_a_command_and_what_a_difference_adds(opened, reader):
    page = await opened.page()
    await page.goto(reader.url + CHAPTER)
    await page.run(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (text) => {"
        " window.copied = text }}}), null"
    )
    await page.run("document.querySelector('.highlight-bash .copy').click()")
    assert await page.run("window.copied") == "python3 atelier.py verifier 04"
    await page.run("document.querySelector('.highlight-diff .copy').click()")
    assert await page.run("window.copied") == (
        "\n    async def receive(self, text_data=None, bytes_data=None):\n"
        '        await self.send(f"<{self.name}> {text_data}")'
    )
    # Ce qui s'ajoute à deux endroits ne se colle pas d'un coup.
    first = "document.querySelector('.highlight-diff')"
    assert await page.run(f"{first}.querySelector('.copy')") is None
    assert await page.run("document.querySelector('.highlight-text .copy')") is None


async def test_the_search_knows_french(opened, reader):
    page = await opened.page()

    async def found(words):
        await page.goto(f"{reader.url}/search.html?q={words}")
        await page.wait_for("/page/.test(document.querySelector('.search-summary')?.innerText)", 20)
        # Chaque page trouvée donne encore un extrait d'elle-même.
        await page.wait_for(
            "document.querySelectorAll('.search li').length"
            " === document.querySelectorAll('.search .context').length",
            20,
        )
        return await page.run(
            "[...document.querySelectorAll('.search a')].map((one) => one.textContent)"
        )

    chapter = "08 · Revenir"
    assert chapter in await found("reconnexion")
    for same in ("Reconnexions", "reconnexion%20le%20la%20des", "r%C3%A9connexion"):
        assert await found(same) == await found("reconnexion"), same
    # Sans accents, au pluriel, et sans les mots vides, eux-mêmes sans accents.
    accented = await found("modèle%20été")
    assert accented and await found("modeles%20ete") == accented
    # Un code est un mot comme un autre.
    refused = await found("403")
    assert "04 · La route" in refused and "01 · Un environnement pour le projet" not in refused
    assert await found("HTTP%20403") == await found("403%20HTTP") != await found("HTTP")
    assert await found("grenouillère") == []
    assert "Aucune page" in await page.run("document.querySelector('.search-summary').innerText")
    assert page.errors == []


async def test_the_first_key_leads_to_the_text(opened, reader):
    page = await opened.page()
    await page.goto(reader.url + CHAPTER)
    await page.press("Tab")
    assert await page.run("document.activeElement.innerText") == "Aller au texte"
    await page.press("Enter")
    await page.wait_for("document.activeElement.id === 'texte'")


async def test_the_margin_is_beside_the_chapter_and_the_rest_one_click_away(opened, reader):
    page = await opened.page()
    await page.emulate(1280)
    await page.goto(reader.url + CHAPTER)
    await page.wait_for(
        "document.querySelector('#live summary').innerText.includes('9 buts sur 9')", 60
    )
    assert await page.run("document.querySelector('#live').open") is True
    links = "[...document.querySelectorAll('.beside a')].map((one) => one.href)"
    for link in await page.run(links):
        await page.goto(link)
        assert "05" in await page.run("document.title")
    assert page.errors == []
