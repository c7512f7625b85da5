"""Un vrai navigateur se conduit sans pilote, et ne survit pas à qui le lance."""

import asyncio
import os
import subprocess
import sys
import time
from tempfile import TemporaryDirectory

import psutil
import pytest
import pytest_asyncio
from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response

from workshop.basics import ROOT
from workshop.browsers import finding as browser
from workshop.browsers.driving import DrivingError, open_browser
from workshop.browsers.finding import MissingTool

pytestmark = pytest.mark.asyncio(loop_scope="module")

HTML = """\
<!doctype html>
<html lang="fr">
<meta charset="utf-8">
<title>Un écho</title>
<form><button>avant</button> <input autofocus></form>
<ol></ol>
<script>
  const [form, input, list] = ["form", "input", "ol"].map((name) => document.querySelector(name));
  const ws = new WebSocket(location.href.replace("http", "ws"));
  ws.onmessage = (event) => list.append(`[${event.data}]`);
  form.onsubmit = (event) => { event.preventDefault(); ws.send(input.value); input.value = ""; };
  for (const name of ["offline", "online"]) addEventListener(name, () => list.append(name));
</script>
""".encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url():
    """Une page, et un websocket qui répète, sur le même port."""
    headers = Headers({"Content-Type": "text/html", "Content-Length": str(len(HTML))})

    def page(connection, request):
        return None if "Upgrade" in request.headers else Response(200, "OK", headers, HTML)

    async def echo(ws):
        async for message in ws:
            await ws.send(message)

    async with serve(echo, "127.0.0.1", 0, process_request=page) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest_asyncio.fixture(loop_scope="module")
async def page(opened, url):
    page = await opened.page()
    await page.goto(url)
    await page.wait_for("ws.readyState === 1")
    return page


async def test_what_is_typed_is_typed(page):
    await page.type("Été à <b> 😀")
    await page.press("Backspace")
    await page.press("Enter")
    await page.wait_for("list.textContent === '[Été à <b> ]'")
    await page.press("Shift+Tab")
    assert await page.run("document.activeElement.textContent") == "avant"
    assert page.errors == []


async def test_a_page_gives_its_values(page):
    assert await page.run("document.title") == "Un écho"
    assert await page.run("({là: [1, null, 'é']})") == {"là": [1, None, "é"]}
    assert await page.run("fetch('/').then((answer) => answer.status)") == 200
    assert await page.run("undefined") is None


async def test_two_people_have_their_own_cookies(opened, page, url):
    other, same = await opened.page(), await opened.page(beside=page)
    await page.run("document.cookie = 'name=Ada'")
    for one in (other, same):
        await one.goto(url)
    assert await same.run("document.cookie") == "name=Ada"
    assert await other.run("document.cookie") == ""


async def test_two_people_type_in_turn(opened, page, url):
    other = await opened.page()
    await other.goto(url)
    for text in ("un", "deux"):
        for one in (page, other):
            await one.type(text)
            await one.press("Enter")
            await one.wait_for(f"list.textContent.endsWith('[{text}]')")


async def test_what_a_page_complains_of_is_heard(page):
    await page.run("console.error('aïe', 3)")
    await page.run("setTimeout(() => { throw new Error('boum') })")
    await page.run("alert('un script passe')")
    while len(page.errors) < 3:
        await asyncio.sleep(0.05)
    assert "aïe 3" in page.errors
    assert any("boum" in error for error in page.errors)
    assert any("un script passe" in error for error in page.errors)


async def test_a_page_goes_offline_and_returns(page):
    await page.offline(True)
    await page.wait_for("list.textContent === 'offline' && !navigator.onLine")
    assert await page.run("fetch('/').catch(() => 'rien')") == "rien"
    opening = "new Promise((end) => { new WebSocket(ws.url).onclose = () => end('rien'); })"
    assert await page.run(opening) == "rien"
    await page.offline(False)
    await page.wait_for("list.textContent === 'offlineonline' && navigator.onLine")
    assert await page.run("fetch('/').then((answer) => answer.status)") == 200
    assert page.errors == []


async def test_a_page_is_looked_at(kind, page):
    await page.emulate(360)
    assert await page.run("innerWidth") == 360
    assert (await page.screenshot()).startswith(b"\x89PNG")
    if kind == "chromium":
        await page.emulate(1280, dark=True, reduced_motion=True)
        wishes = "(prefers-color-scheme: dark) and (prefers-reduced-motion)"
        assert await page.run(f"matchMedia('{wishes}').matches")


async def test_what_does_not_come_is_a_sentence(page):
    start = time.monotonic()
    with pytest.raises(
        DrivingError, match=r"Après 0\.5 s, toujours pas\s: document\.title === 'B'"
    ):
        await page.wait_for("document.title === 'B'", 0.5)
    assert time.monotonic() - start < 5
    with pytest.raises(DrivingError, match=r"toujours pas\s: nulle\.part\. .*not defined"):
        await page.wait_for("nulle.part", 0.5)
    with pytest.raises(DrivingError, match=r"Le code lève une exception\s: Error: non"):
        await page.run("Promise.reject(new Error('non'))")
    for address in ("http://127.0.0.1:9/", "http://ailleurs.example/"):
        with pytest.raises(DrivingError, match=f"La page {address} ne s'ouvre pas"):
            await page.goto(address)


ORPHAN = """
import asyncio, sys
from workshop.browsers.finding import starting_browser

async def main():
    with starting_browser(sys.argv[1]) as address:
        await address()
        print("prêt", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def short_path():
    """Un dossier temporaire au nom court : Chromium y ouvre une prise, dont le nom est borné."""
    with TemporaryDirectory(prefix="nav-", ignore_cleanup_errors=True) as folder:
        yield folder


async def test_a_browser_does_not_survive_its_parent(kind, short_path):
    # Tué, il ne range pas derrière lui.
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, kind],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": short_path, "TEMP": short_path},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert parent.stdout.readline() == "prêt\n"
        children = psutil.Process(parent.pid).children(recursive=True)
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert len(children) > 2 and not alive


async def test_a_browser_that_stops_is_a_sentence(kind):
    async with open_browser(kind) as running:
        page = await running.page()
        await running.ask({"chromium": "Browser.close", "firefox": "browser.close"}[kind], {})
        await running.reading
        with pytest.raises(DrivingError, match="Le navigateur s'est arrêté"):
            await page.run("1")


async def test_a_missing_browser_is_a_sentence(kind, monkeypatch):
    monkeypatch.setitem(browser.NAMES, kind, ("nulle-part",))
    with pytest.raises(MissingTool, match="installez"):
        async with open_browser(kind):
            pass
