"""Les diapositives disent ce que disent les chapitres, et se montrent sans rien de plus."""

import json
import re
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from tests.repository.test_prose import FAULTS, faults
from workshop.basics import ROOT, WorkshopError
from workshop.browsers.finding import MissingTool, browser
from workshop.commands import teaching
from workshop.commands.main import cli
from workshop.publishing import making, marp, slides
from workshop.publishing.marp import made_page, make_deck, sheets_of
from workshop.publishing.pictures import page_count
from workshop.publishing.slides import decks, find_deck, problems

CODE = """\
**`chat/consumers.py`**

```python
        await self.accept()
        await self.send(f"Bienvenue {self.name} !")
        # …
    async def receive(self, text_data=None, bytes_data=None):
```
"""
THEN = """\
**En 2016**

```python
@channel_session
def ws_disconnect(message, room):
```
"""
SEEN = """\
**Terminal « projet »**

```bash
python client.py
```

```text
avec Origin : 101, Bienvenue Anonymous troll !, silence
```
"""
A4 = (b"594.95996", b"841.91998")
WORK = "<time>40 minutes</time>\n"
DRAWING = "![Deux lignes, l'une ouverte](img/line.svg)\n"


def note(minutes: int) -> str:
    return (
        "<!--\nDire : Une phrase :\nla suite.\nMontrer : La page.\nDemander : Qui ?\n"
        f"Ce qui rate : Rien.\nMinutes : {minutes}\n-->\n"
    )


GOOD = """\
---
marp: true
theme: atelier
lang: fr
paginate: true
title: 05 · Le chat
---

""" + "\n---\n\n".join(
    [
        f"<!-- _class: titre -->\n\n# 05 · Le chat\n\n{note(3)}",
        f"# Le code\n\n{CODE}\n{note(4)}",
        f"# Avant\n\n{THEN}\n{note(4)}",
        f"# On voit\n\n{SEEN}\n{note(4)}",
        f"<!-- _class: travail -->\n\n# À vous\n\n{WORK}\n{note(40)}",
        f"<!-- _class: dessin -->\n\n# Le fil\n\n{DRAWING}\n{note(0)}",
    ]
)


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """Donne de quoi lire les défauts d'un jeu de l'étape 05."""
    monkeypatch.setattr(slides, "ROOT", tmp_path)
    (tmp_path / "slides/img").mkdir(parents=True)
    (tmp_path / "slides/img/line.svg").touch()

    def found(text: str) -> list[str]:
        (tmp_path / "slides/05-consumers.md").write_text(text, "utf-8")
        return [problem for problem in problems() if "05-consumers" in problem]

    return found


def test_the_decks_agree_with_the_chapters():
    assert problems() == []


def test_a_good_deck_has_nothing_to_mend(judge):
    assert judge(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("theme: atelier", "theme: default", 1, "« theme: atelier »"),
        ("05 · Le chat\n---", "05 · Un chat\n---", 1, "« title: 05 · Le chat »"),
        ("await self.accept()", "await self.accept(None)", 28, "chat/consumers.py : « await self."),
        ("        # …\n", "", 28, "ces lignes ne sont pas"),
        ("# …", "# ...", 28, "ces lignes ne sont pas"),
        ("        await self.accept()", "    await self.accept()", 28, "mot pour mot"),
        ("chat/consumers.py", "chat/robots.py", 28, "chat/robots.py n'est pas dans solutions/05"),
        ("def ws_disconnect", "async def ws_disconnect", 50, "« En 2016 » du chapitre"),
        ("**En 2016**", "En 2016", 50, "un bloc `python` demande une légende"),
        ("**`chat/consumers.py`**", "*`chat/consumers.py`*", 28, "ressemble à une légende"),
        ("```python\n        await", "Une phrase.\n\n```python\n        await", 26, "aucun bloc"),
        ("python client.py", "python robot.py", 70, "ne dit pas « python robot.py »"),
        ("silence\n```", "silences\n```", 74, "silences »"),
        ("```bash", "```", 70, "un bloc `bash`"),
        ("```text", "```console", 74, "un bloc `console` demande une légende"),
        ("```text", "```text\n" + "\n" * 14, 74, "au plus 14 lignes de 75 colonnes"),
        ("```text\n", "```text\n" + " " * 76 + "\n", 74, "au plus 14 lignes de 75 colonnes"),
        ("Montrer", "Voir", 13, "« Montrer : … »"),
        ("Ce qui rate : Rien.", "Ce qui rate :", 13, "« Ce qui rate : … »"),
        ("Minutes : 3\n", "Minutes : trois\n", 13, "et non « trois »"),
        ("Minutes : 3\n", "Minutes : 5\n", 1, "font 57 minutes ; il en faut 55"),
        ("40 minutes</time>", "30 minutes</time>", 93, "30 minutes ici, 40 dans la note"),
        (WORK, "", 89, "« <time>N minutes</time> »"),
        ("_class: travail", "_class: titre", 89, "« <time>N minutes</time> »"),
        ("_class: dessin", "_class: tableau", 106, "titre ou question ou travail ou dessin"),
        (DRAWING, f"{DRAWING}\n<!-- à revoir -->\n", 112, "un commentaire est en tête"),
        (note(0), "", 106, "ne finit pas par sa note"),
        (note(0), f"{note(0)}\nUn mot.\n", 106, "ne finit pas par sa note"),
        (note(0), f"{note(0)}\n---\n", 1, "une diapositive est vide"),
        ("line.svg", "other.svg", 110, "img/other.svg n'est pas un dessin de slides/img"),
        ("img/line.svg", "https://exemple.fr/a.svg", 110, "n'est pas un dessin de slides/img"),
        ("![Deux lignes, l'une ouverte]", "![w:900]", 110, "en quelques mots"),
        ("![Deux", "![bg Deux", 110, "en quelques mots"),
    ],
)
def test_a_fault_is_named_where_it_is(judge, old, new, line, sentence):
    assert old in GOOD
    found = [problem.replace("\u00a0", " ") for problem in judge(GOOD.replace(old, new, 1))]
    assert any(
        problem.startswith(f"slides/05-consumers.md, ligne {line} : ") and sentence in problem
        for problem in found
    ), found


@pytest.mark.parametrize("count", [4, 11])
def test_a_deck_too_short_or_too_long_is_named(judge, count):
    parts = GOOD.split("\n---\n\n")
    longer = [*parts[:1], *parts[1:] * 2][: count + 1]
    assert f"{count} diapositives" in "".join(judge("\n---\n\n".join(longer)))


def test_a_missing_deck_and_a_stray_one_are_named(judge, tmp_path):
    judge(GOOD)
    (tmp_path / "slides/05-consumers.md").rename(tmp_path / "slides/42-redis.md")
    found = problems()
    assert any(problem.startswith("slides/05-consumers.md") for problem in found)
    assert any(problem.startswith("slides/42-redis.md, ligne 1") for problem in found)


def test_the_decks_around_take_what_any_chapter_says(judge, tmp_path):
    # Le début de ce bloc n'est plus celui de la dernière étape ; sa fin l'est restée.
    same = GOOD[: GOOD.index("        await self.accept")] + GOOD[GOOD.index("# …\n") + 4 :]
    judge(same.replace("title: 05 · Le chat", "title: Ouverture").replace("40", "5"))
    (tmp_path / "slides/05-consumers.md").rename(tmp_path / "slides/00-ouverture.md")
    # Le code y vient de la dernière étape, qui a gardé ce fichier.
    assert [problem for problem in problems() if "00-ouverture" in problem] == []


@pytest.mark.parametrize("options", [[], ["--verifier"]])
def test_construire_fails_on_a_fault(monkeypatch, options):
    monkeypatch.setattr(making, "stale", lambda: [])
    monkeypatch.setattr(making, "rebuild", lambda: ([], {}))
    monkeypatch.setattr(slides, "problems", lambda: ["slides/05-consumers.md, ligne 3"])
    done = CliRunner().invoke(cli, ["construire", *options])
    assert (done.exit_code, done.output) == (1, "slides/05-consumers.md, ligne 3\n")


@pytest.mark.parametrize("deck", decks(), ids=lambda deck: deck.stem)
def test_the_notes_follow_the_rules_of_print(deck):
    # Le reste du texte est lu par test_prose, qui saute les commentaires.
    notes = re.findall(r"<!--\n(.*?)-->", deck.read_text("utf-8"), re.S)
    prose = [re.sub(r"`[^`]+`", "\ufffc", text) for text in notes]
    assert notes
    assert [fault for text in prose for fault in faults(text, FAULTS)] == []


def test_each_deck_has_its_page_and_each_drawing_its_deck():
    made = {path.stem for path in (ROOT / "slides/html").iterdir()}
    assert made == {deck.stem for deck in decks()}
    shown = "".join(deck.read_text("utf-8") for deck in decks())
    drawings = [path.name for path in (ROOT / "slides/img").iterdir()]
    assert [name for name in drawings if f"(img/{name})" not in shown] == []


def test_the_lock_has_no_address():
    lock = json.loads((ROOT / "slides/package-lock.json").read_text("utf-8"))
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in package and "resolved" not in package for package in packages)


@pytest.mark.parametrize("deck", decks(), ids=lambda deck: deck.stem)
def test_made_again_a_page_has_the_same_bytes(deck, tmp_path):
    try:
        make_deck(tmp_path / f"{deck.stem}.html")
    except MissingTool as error:
        pytest.skip(str(error))
    assert (tmp_path / f"{deck.stem}.html").read_bytes() == made_page(deck).read_bytes()


@pytest.mark.parametrize("missing", ["Node", "Marp"])
def test_without_its_tool_a_page_is_left(tmp_path, monkeypatch, missing):
    monkeypatch.setattr(marp.shutil, "which", lambda name: None if missing == "Node" else name)
    monkeypatch.setattr(marp, "MARP", tmp_path / "marp-cli.js")
    with pytest.raises(MissingTool, match=f"{missing}.*npm ci --prefix slides"):
        make_deck(tmp_path / "05-consumers.html")
    assert list(tmp_path.iterdir()) == []


def test_what_marp_no_longer_says_in_english_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(marp, "marp", lambda deck: "<title>Sans rien d'autre</title>")
    with pytest.raises(WorkshopError, match="Previous slide"):
        make_deck(tmp_path / "05-consumers.html")


@pytest.mark.parametrize("number", ["5", "05", "05-consumers"])
def test_slides_opens_the_deck(monkeypatch, number):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    done = CliRunner().invoke(cli, ["slides", number])
    page = ROOT / "slides/html/05-consumers.html"
    assert done.output.splitlines()[0] == str(page)
    assert opened == [page.as_uri()]
    assert "« p »" in done.output.replace("\u00a0", " ")


def test_without_a_number_it_is_the_opening(monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail(url))
    done = CliRunner().invoke(cli, ["slides", "--sans-navigateur"])
    assert done.output.startswith(str(ROOT / "slides/html/00-ouverture.html"))


def test_an_unknown_deck_is_a_sentence():
    with pytest.raises(
        WorkshopError, match="« 42 ». Choisissez parmi 00, 01, .*99".replace(" ", ".")
    ):
        find_deck("42")


@pytest.fixture(scope="module")
def launched(chromium):
    with browser(chromium) as launched:
        yield launched


@pytest.fixture
def visit(launched):
    with opening(launched) as opened:
        yield opened


@contextmanager
def opening(launched):
    """Donne de quoi ouvrir une page, avec ce qu'elle a demandé au réseau ou au disque."""
    size = {"width": 1280, "height": 720}
    with launched.new_context(viewport=size, timezone_id="Europe/Paris") as context:
        asked = []
        context.on("request", lambda request: asked.append(request.url))

        def opened(deck):
            page = context.new_page()
            page.goto(made_page(deck).as_uri())
            return page, asked

        yield opened


# Ce qui, dans la diapositive montrée, touche son bord, ne se voit qu'en défilant, ou est écrasé.
OVERFLOWS = """() => {
  const section = document.querySelector('.bespoke-marp-active section')
  const frame = section.getBoundingClientRect()
  const outside = (box) => box.left < frame.left + 20 || box.right > frame.right - 20
    || box.top < frame.top + 20 || box.bottom > frame.bottom - 20
  return [...section.querySelectorAll('*')].filter((element) => {
    const text = document.createRange()
    text.selectNodeContents(element)
    return [element.getBoundingClientRect(), ...text.getClientRects()].some(outside)
      || element.matches('pre, table') && element.scrollWidth > element.clientWidth
      || element.matches('img') && element.clientHeight < 200
  }).map((element) => `${section.id} : ${element.tagName} ${element.textContent.slice(0, 40)}`)
}"""


def shown_slides(page) -> Iterator[int]:
    """Montre chaque diapositive d'une page, et donne son numéro."""
    for number in range(1, page.locator("section").count() + 1):
        page.locator(f".bespoke-marp-active section[id='{number}']").wait_for()
        yield number
        page.keyboard.press("ArrowRight")


@dataclass
class Seen:
    """Ce que l'on a vu d'un jeu, diapositive par diapositive, sa vue de présentation ouverte."""

    overflows: list[str]
    faults: dict[tuple[int, str], list]
    asked: list[str]


@pytest.fixture(scope="module", params=decks(), ids=lambda deck: deck.stem)
def deck(request):
    return request.param


@pytest.fixture(scope="module")
def seen(launched, deck):
    """Le jeu se montre une fois, et chaque test y lit ce qui le regarde."""
    with opening(launched) as visit:
        page, asked = visit(deck)
        presenter = presenting(page)
        # La barre de boutons s'efface quand la souris ne bouge plus.
        page.locator(".bespoke-marp-inactive").wait_for()
        overflows, faults = [], {}
        for number in shown_slides(page):
            overflows += page.evaluate(OVERFLOWS)
            faults |= {(number, kind): nodes for kind, nodes in axe_faults(page).items()}
        presenter.keyboard.press("o")
        presenter.frame_locator(".bespoke-marp-overview iframe").locator("section").first.wait_for()
        yield Seen(overflows, faults, asked)


def axe_faults(page) -> dict[str, list]:
    """Ce qu'axe trouve, et ce dont il doute ; rien s'il n'est pas là."""
    if not find_spec("axe_playwright_python"):
        return {}
    from axe_playwright_python.sync_playwright import Axe

    answer = Axe().run(page).response
    return {fault["id"]: fault["nodes"] for fault in answer["violations"] + answer["incomplete"]}


def test_no_slide_overflows(seen):
    assert seen.overflows == []


@pytest.mark.parametrize(
    "style", ["margin-top: 600px", "translate: 900px", "font-size: 400px", "height: 700px"]
)
def test_an_overflow_is_seen(visit, style):
    page, _ = visit(find_deck("05"))
    assert page.evaluate(OVERFLOWS) == []
    page.add_style_tag(content=f"section > :last-child {{ {style} !important }}")
    assert page.evaluate(OVERFLOWS) != []


def test_axe_finds_nothing(seen):
    pytest.importorskip("axe_playwright_python")
    assert seen.faults == {}


def test_axe_sees_a_pale_text(visit):
    pytest.importorskip("axe_playwright_python")
    page, _ = visit(find_deck("05"))
    page.add_style_tag(content="section h1 { color: #aaa !important }")
    assert "color-contrast" in axe_faults(page)


def test_no_request_leaves_the_page(seen, deck):
    asked = {url.partition("?")[0] for url in seen.asked if not url.startswith("data:")}
    assert asked == {made_page(deck).as_uri()}
    assert len(seen.asked) >= 4


def presenting(page):
    """Ouvre la vue de présentation d'une page, et la renvoie."""
    with page.expect_popup() as popup:
        page.keyboard.press("p")
    presenter = popup.value
    presenter.locator(".bespoke-marp-presenter-next-container.active").wait_for()
    return presenter


def test_the_presenter_s_view_follows_and_leads(visit):
    deck = find_deck("05")
    page, _ = visit(deck)
    presenter = presenting(page)
    assert presenter.title().startswith("[Vue de présentation] - 05 · ")
    # Chaque vue suit l'autre à son heure : on attend sa note, on ne la lit pas à la volée.
    written = re.findall(r"^Dire.*$", deck.read_text("utf-8"), re.M)
    note = ".bespoke-marp-note.active"
    presenter.locator(note, has_text=written[0]).wait_for()
    page.keyboard.press("ArrowRight")
    presenter.locator(".bespoke-marp-active section[id='2']").wait_for()
    presenter.locator(note, has_text=written[1]).wait_for()
    presenter.keyboard.press("ArrowRight")
    page.locator(".bespoke-marp-active section[id='3']").wait_for()


@pytest.fixture
def working(visit):
    """Une page ouverte à 9 h, sur la diapositive d'avant le premier « travail »."""
    deck = next(deck for deck in decks() if "travail -->" in deck.read_text("utf-8"))
    page, _ = visit(deck)
    after_nine(page, 0)
    number = int(page.locator("section.travail").first.get_attribute("id"))
    page.evaluate(f"location.hash = '#{number - 1}'")
    page.locator(f".bespoke-marp-active section[id='{number - 1}']").wait_for()
    return page


def after_nine(page, minutes: int) -> None:
    """Met toutes les fenêtres à 9 h et tant de minutes, à Paris ; leurs minuteurs courent."""
    moment = datetime(2026, 11, 24, 8, tzinfo=UTC) + timedelta(minutes=minutes)
    page.clock.set_fixed_time(moment)


def work(page) -> str:
    """Renvoie ce que dit des minutes la première diapositive « travail » d'une page."""
    return page.locator("section.travail time").first.text_content().replace("\u00a0", " ")


def from_nine(minutes: int, start: int) -> str:
    """Renvoie ce que l'on doit lire, si l'on commence `start` minutes après 9 h."""
    hours = [f"{9 + more // 60} h {more % 60:02}" for more in (start, start + minutes)]
    return f"{minutes} minutes, à partir de {hours[0]} On se retrouve à {hours[1]}"


def test_the_hour_of_return_counts_from_the_first_showing(working):
    minutes = int(work(working).split()[0])
    after_nine(working, 7)
    assert work(working) == f"{minutes} minutes"
    working.keyboard.press("ArrowRight")
    working.locator("section.travail time span").first.wait_for()
    assert work(working) == from_nine(minutes, 7)
    after_nine(working, 9)
    for key in ("ArrowLeft", "ArrowRight"):
        working.keyboard.press(key)
        working.wait_for_timeout(100)
    assert work(working) == from_nine(minutes, 7)
    working.reload()
    working.locator("section.travail time span").first.wait_for()
    assert work(working) == from_nine(minutes, 7)


def test_after_the_return_or_at_a_click_it_counts_again(working):
    minutes = int(work(working).split()[0])
    working.keyboard.press("ArrowRight")
    hours = working.locator("section.travail time span").first
    hours.wait_for()
    after_nine(working, 3)
    hours.click()
    assert work(working) == from_nine(minutes, 3)
    working.keyboard.press("ArrowLeft")
    after_nine(working, 3 + minutes)
    working.keyboard.press("ArrowRight")
    working.get_by_text(f"à partir de 9\u00a0h\u00a0{3 + minutes:02}").wait_for()
    assert work(working) == from_nine(minutes, 3 + minutes)


def test_both_windows_say_the_same_hour(working):
    minutes = int(work(working).split()[0])
    presenter = presenting(working)
    # La vue de présentation suit les mouvements : elle sait alors où en est la page.
    for key in ("ArrowLeft", "ArrowRight"):
        working.keyboard.press(key)
        working.wait_for_timeout(200)
    coming = presenter.frame_locator("iframe.bespoke-marp-presenter-next")
    coming.locator(".bespoke-marp-active section.travail").first.wait_for()
    after_nine(working, 5)
    # La vignette de ce qui vient ne commence rien.
    assert coming.locator("section.travail time").first.text_content() == f"{minutes} minutes"
    presenter.keyboard.press("ArrowRight")
    for window in (working, presenter):
        window.locator("section.travail time span").first.wait_for()
    assert work(working) == work(presenter) == from_nine(minutes, 5)
    presenter.close()
    after_nine(working, 6)
    presenter = presenting(working)
    presenter.locator("section.travail time span").first.wait_for()
    assert work(presenter) == from_nine(minutes, 5)
    presenter.locator("section.travail time span").first.click()
    working.get_by_text("à partir de 9\u00a0h\u00a006").wait_for()
    assert work(working) == work(presenter) == from_nine(minutes, 6)


def printed(*arguments: str) -> subprocess.CompletedProcess:
    """Imprime dans un autre processus : celui-ci tient déjà un Chromium."""
    command = [sys.executable, "-m", "workshop", "slides", "--pdf", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120)


def test_the_pdf_has_all_the_decks_or_one(chromium, tmp_path):
    paths = [tmp_path / "tout é.pdf", tmp_path / "un.pdf"]
    for path, number in zip(paths, ([], ["00"]), strict=True):
        done = printed(str(path), *number)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    every, one = [path.read_bytes() for path in paths]
    assert page_count(every) > page_count(one) > 1
    assert re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", one)[0] == A4


@pytest.mark.parametrize("there", [True, False])
def test_what_the_paper_needs_is_installed_the_first_time(monkeypatch, tmp_path, there):
    done = []
    spec = find_spec("pytest") if there else None
    monkeypatch.setattr(teaching.importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(teaching, "install_all", lambda: done.append("installé"))
    monkeypatch.setattr(marp, "print_decks", lambda decks, path: done.append(path.name))
    assert CliRunner().invoke(cli, ["slides", "--pdf", str(tmp_path / "notes.pdf")]).exit_code == 0
    assert done == (["notes.pdf"] if there else ["installé", "notes.pdf"])


def test_a_pdf_that_cannot_be_written_is_a_sentence(chromium, tmp_path):
    done = printed(str(tmp_path / "nulle-part" / "un.pdf"), "05")
    assert done.returncode == 2
    assert "ne peut pas s'écrire" in done.stderr and "Traceback" not in done.stderr


def test_on_paper_each_slide_has_its_own_note():
    sheets = list(sheets_of(made_page(find_deck("05")).read_text("utf-8")))
    notes = re.findall(r"<!--\nDire.*?-->", find_deck("05").read_text("utf-8"), re.S)
    assert len(sheets) == len(notes)
    for sheet, written in zip(sheets, notes, strict=True):
        said = re.search(r"Montrer.*", written)[0]
        assert said in unescape(re.sub(r"</?code>", "`", re.sub(r"</?b>", "", sheet)))
        assert "<b>Ce qui rate\u00a0:</b>" in sheet
