"""Étape 12 : les limites. Ce qui est trop est refusé, et un réglage oublié ferme."""

import asyncio
import contextlib
import itertools
import json
import os
import urllib.error
import urllib.request
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from websockets.exceptions import ConnectionClosed

from workshop.project.serving import Server
from workshop.system.processes import ServerError
from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.knocking import (
    PASSWORD,
    SECONDS,
    Visitor,
    closed,
    entering,
    gone,
    heard,
    is_refusal,
    present,
    refusal,
    signed_up,
    still_talks,
)
from workshop.visitors.members import load
from workshop.visitors.policy import rules
from workshop.visitors.reading import Form
from workshop.visitors.visiting import PageVisitor

# Les limites d'un apprenant peuvent être loin des nôtres.
ENOUGH_FRAMES, ENOUGH_CONNECTIONS = 2000, 1000
FLOOD_SECONDS = 20
GUESSES = 40
HOST = "Anonymous troll"


@pytest.fixture(scope="session")
def blaise(server) -> Visitor:
    """Quelqu'un qui vient de créer un compte ; un mot de passe est long à chiffrer."""
    return signed_up(server, "blaise")


class Guest:
    """Un visiteur dans ce processus, venu d'une adresse que l'on choisit."""

    ports = itertools.count(40_000)

    def __init__(self, application, address: str):
        headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        path = "/chat/portes/"
        self.communicator = WebsocketCommunicator(application, path, headers, ["json"])
        self.communicator.scope["client"] = [address, next(self.ports)]

    async def enter(self, number: int = 1) -> dict:
        """Frappe à la porte, le énième de son adresse ; renvoie la première trame."""
        await self.communicator.send_input({"type": "websocket.connect"})
        kind, _ = await self.event()
        if kind == "silence":
            pytest.fail("À l'arrivée, le projet ne répond rien.")
        if kind != "websocket.accept":
            if number == 1:
                pytest.fail("La page du chat elle-même est refusée (HTTP 403).")
            pytest.fail(
                "Une connexion de plus est refusée sans un mot. Il faut l'accepter, dire pourquoi, "
                "puis la fermer."
            )
        return await self.frame()

    async def event(self) -> tuple[str, object]:
        """Renvoie ce que l'application fait ensuite : la sorte, et la trame ou le code."""
        output = asyncio.ensure_future(self.communicator.output_queue.get())
        application = self.communicator.future
        await asyncio.wait({output, application}, timeout=SECONDS, return_when="FIRST_COMPLETED")
        if not output.done():
            output.cancel()
            if application.done():
                application.result()
            return "silence", None
        event = output.result()
        if event["type"] == "websocket.send":
            return event["type"], json.loads(event["text"])
        return event["type"], event.get("code")

    async def frame(self) -> dict:
        kind, found = await self.event()
        if kind != "websocket.send":
            pytest.fail(f"Attendu : une trame. Entendu : {kind}.")
        return found

    async def say(self, text: str) -> None:
        frame = json.dumps({"type": "message", "key": None, "text": text})
        await self.communicator.send_input({"type": "websocket.receive", "text": frame})

    async def ask(self, kind: str, number: int | None) -> None:
        frame = json.dumps({"type": kind, "number": number})
        await self.communicator.send_input({"type": "websocket.receive", "text": frame})

    async def leave(self) -> None:
        """S'en va, fermé ou non, comme le serveur le dit au projet ; lève ce que le projet lève."""
        await self.communicator.send_input({"type": "websocket.disconnect", "code": 1005})
        with contextlib.suppress(TimeoutError):
            await self.communicator.wait(SECONDS)

    def vanish(self) -> None:
        self.communicator.stop(exceptions=False)


@pytest.fixture
async def guest(visitor):
    """Fabrique des visiteurs de ce processus ; à la fin, ils s'en vont."""
    application, guests = visitor().application, []

    def make(address):
        guests.append(Guest(application, address))
        return guests[-1]

    yield make
    for one in guests:
        one.vanish()


async def test_flood(guest):
    """Qui parle bien trop vite l'apprend, puis est renvoyé avec le code 4429"""
    honest, flooder = guest("10.0.0.1"), guest("10.0.0.2")
    await honest.enter()
    await flooder.enter()
    # De longs messages : un seau qui compte leur poids se vide plus vite.
    flood = "déluge " * 1280
    for _ in range(ENOUGH_FRAMES):
        await flooder.say(flood)
    accepted = refused = 0
    code = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FLOOD_SECONDS):
            while code is None and (refused or accepted < ENOUGH_FRAMES // 2):
                match await flooder.event():
                    case "websocket.send", {"type": "message"}:
                        accepted += 1
                    case "websocket.send", frame:
                        is_refusal(frame, "À qui parle trop vite")
                        refused += 1
                    case "websocket.close", found:
                        code = found or 1000
                    case _:
                        break
    if not refused:
        pytest.fail("Des centaines de messages d'un coup, d'une seule connexion, sans un refus.")
    if code is None:
        pytest.fail(
            "Qui parle trop vite est refusé, encore et encore, mais le projet ne ferme pas la "
            "connexion."
        )
    await flooder.leave()
    if code != 4429:
        pytest.fail(f"Qui parle trop vite est renvoyé avec le code {code} ; attendu : 4429.")
    await honest.say("et moi ?")
    while (frame := await honest.frame()).get("text") != "et moi ?":
        if frame.get("type") == "refused":
            pytest.fail("Une autre personne, d'une autre adresse, paie pour qui parle trop vite.")


@pytest.mark.asyncio(loop_scope="session")
async def test_again(server, browser):
    """Ce qui a été refusé parce que l'on parlait trop vite repart de soi-même"""
    async with entering(server, room="encore") as other, BadNetwork(server.url) as network:
        await still_talks(other, "De la page du chat elle-même")
        page = PageVisitor(await browser.page())
        await page.enter(f"{network.url}/chat/encore/")
        await page.shows("je suis encore là", "La page ne montre plus l'histoire du salon.")
        # La phrase n'arrive pas : c'est comme si le chat la refusait pour son heure.
        await page.value("void (window.said = WebSocket.prototype.send)")
        await page.value("WebSocket.prototype.send = () => {}")
        await page.say("Encore une belladone.")
        await page.value("void (WebSocket.prototype.send = window.said)")

        await network.tell(refusal("Trop de belladones.", wait=0.1))
        await page.shows("Trop de belladones.", "Le chat refuse ; la page ne dit pas pourquoi.")
        await gone(page, "Trop de belladones.", "Le chat refuse pour un dixième de seconde")
        after = "Le chat refuse une phrase pour un dixième de seconde ; ensuite"
        while (await heard(other, after)).get("text") != "Encore une belladone.":
            pass
        await page.shows_once("Encore une belladone.", "La page redit ce qui avait été refusé")
        await page.is_content()


async def test_crowd(guest):
    """La connexion de trop, d'une même adresse, est refusée avec une raison et le code 4429"""
    count, frame = 0, {"type": "welcome"}
    while frame.get("type") == "welcome" and count < ENOUGH_CONNECTIONS:
        count, last = count + 1, guest("10.0.0.3")
        frame = await last.enter(count)
    if frame.get("type") == "welcome":
        pytest.fail(f"{count} connexions d'une même adresse, et aucune n'est refusée.")
    if count <= 30:
        pytest.fail(f"La {count}e connexion d'une adresse est refusée : une classe n'entre pas.")
    is_refusal(frame, f"À la {count}e connexion d'une même adresse")
    kind, code = await last.event()
    if kind != "websocket.close":
        pytest.fail("La connexion de trop est refusée, mais le projet ne la ferme pas.")
    await last.say("intrus")
    await last.leave()
    if code != 4429:
        pytest.fail(f"La connexion de trop est fermée avec le code {code} ; attendu : 4429.")
    other = guest("10.0.0.4")
    if (await other.enter()).get("type") != "welcome":
        pytest.fail("Une autre adresse est refusée aussi.")
    await other.ask("before", None)
    if any(one.get("text") == "intrus" for one in (await other.frame()).get("messages", [])):
        pytest.fail("La connexion de trop est refusée, et le chat garde ce qu'elle dit ensuite.")


async def test_neighbours(guest):
    """En IPv6, les connexions d'un même réseau /64 se comptent ensemble"""
    count, frame = 0, {"type": "welcome"}
    while frame.get("type") == "welcome" and count < ENOUGH_CONNECTIONS:
        count += 1
        frame = await guest(f"2001:db8:0:7::{count:x}").enter(count)
    if frame.get("type") == "welcome":
        pytest.fail(
            f"{count} connexions de {count} adresses d'un même réseau 2001:db8:0:7::/64, et aucune "
            "n'est refusée : qui a un réseau a autant d'adresses qu'il veut."
        )
    for address in ("2001:db8:0:8::1", "::ffff:10.0.0.5"):
        if (await guest(address).enter()).get("type") != "welcome":
            pytest.fail(f"{address}, d'un autre réseau, est refusée aussi.")


async def test_guessing(server):
    """Qui devine un mot de passe est freiné, dans l'administration aussi"""
    await asyncio.to_thread(signed_up, server, "fabien")
    for where in ("La page de connexion", "L'administration"):
        someone = Visitor(server)
        if where == "L'administration":
            form = (await asyncio.to_thread(someone.read, "/admin/login/")).forms[-1]
        else:
            form = await asyncio.to_thread(someone.find, 1, "de connexion")
        for number in range(GUESSES):
            if await asyncio.to_thread(is_braked, someone, form, f"essai-{number}"):
                break
        else:
            # Ni refus, ni code : le bon mot de passe ouvre-t-il encore ?
            with contextlib.suppress(AssertionError):
                await asyncio.to_thread(someone.submit, form, "fabien", PASSWORD)
            if where == "L'administration" or await someone.name() == "fabien":
                pytest.fail(
                    f"{where} répond à {GUESSES} mots de passe essayés d'affilée sur un compte, "
                    "sans jamais freiner."
                )


def is_braked(someone: Visitor, form: Form, password: str) -> bool:
    """Essaie un mot de passe ; renvoie True si la page refuse d'en essayer d'autres."""
    try:
        someone.submit(form, "fabien", password)
    except AssertionError as refusal:
        if "HTTP 429" in str(refusal) or "HTTP 403" in str(refusal):
            return True
        raise
    return False


async def test_big_frame(server):
    """Une trame de dix mégaoctets est refusée avec le code 1009, et le serveur continue"""
    await refused_as_too_big(server, "À une trame de dix mégaoctets", "x" * 10_000_000)
    pieces = ["x" * 60_000] * 100
    await refused_as_too_big(server, "À six mégaoctets en cent trames d'un message", pieces)
    async with entering(server) as ws:
        await still_talks(ws, "Après ces trames")


async def refused_as_too_big(server, after: str, message) -> None:
    async with entering(server) as ws:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(SECONDS):
                await ws.send(message)
        if (code := await closed(ws)) != 1009:
            end = "la connexion reste ouverte" if code is None else f"le code est {code}"
            pytest.fail(f"{after}, {end} ; attendu : 1009.")


def pages(someone: Visitor) -> list[str]:
    """Renvoie les adresses des pages : l'accueil, celles où il mène, un salon, l'administration."""
    found = ["/", *someone.read("/").links, "/admin/login/", "/chat/portes/"]
    ours = (urldefrag(urljoin(someone.server.url, page)).url for page in found)
    return [*dict.fromkeys(page for page in ours if page.startswith(someone.server.url))]


def test_csp(server):
    """Chaque page interdit au navigateur les scripts écrits dans le HTML"""
    someone = Visitor(server)
    for address in pages(someone):
        page = someone.read(address)
        path = urlsplit(address).path
        policy = page.headers.get("Content-Security-Policy", "")
        if not policy:
            pytest.fail(f"La page {path} n'a pas d'en-tête Content-Security-Policy.")
        allowed = rules(policy)
        scripts = allowed.get("script-src", allowed.get("default-src"))
        if scripts is None:
            pytest.fail(f"La politique de {path} ne dit rien des scripts : « {policy} ».")
        for source in ("'unsafe-inline'", "*", "data:", "http:", "https:"):
            if source in scripts.split():
                pytest.fail(f"La politique de {path} permet {source} aux scripts.")


@pytest.mark.asyncio(loop_scope="session")
async def test_pages(server, browser, blaise):
    """Dans un navigateur, aucune page n'est gênée par sa propre politique"""
    visitor = PageVisitor(await browser.page())
    for address in await asyncio.to_thread(pages, Visitor(server)):
        await visitor.opens(address)
    await present(visitor, blaise)
    await visitor.opens(f"{server.url}/")
    await visitor.enter(f"{server.url}/chat/portes/")
    await visitor.shows("blaise", "La page du salon ne salue plus qui arrive.")
    await visitor.say("toujours là")
    await visitor.shows_once("toujours là", "La page du salon dit « toujours là »")
    await visitor.is_content()


def lost_page(server) -> str:
    """Renvoie ce que montre ce serveur à qui demande une page qui n'existe pas."""
    try:
        with urllib.request.urlopen(f"{server.url}/nulle-part/", timeout=SECONDS) as page:
            return page.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.read().decode()


def test_production(project, python, server):
    """En production, la clé vient de l'environnement, et les cookies ne voyagent qu'en HTTPS"""
    load(project)
    entrance = ":".join(settings.ASGI_APPLICATION.rsplit(".", 1))
    production = {"DJANGO_DEBUG": "0", "DJANGO_ALLOWED_HOSTS": "127.0.0.1 localhost"}
    # Les réglages que nomme manage.py : à partir du chapitre 16, il y en a d'autres.
    production |= {"DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}
    # Là, personne ne lance runserver ; et la base a déjà ses tables.
    without, sealed = (
        Server(project, python, 0, production | {"DJANGO_SECRET_KEY": key}, entrance)
        for key in ("", "k" * 60)
    )
    bare = Server(project, python, 0, {}, entrance)
    without.start()
    with sealed:
        with contextlib.suppress(ServerError), without:
            pytest.fail(
                "Avec DJANGO_DEBUG=0 et sans DJANGO_SECRET_KEY, le serveur démarre pourtant."
            )
        with contextlib.suppress(ServerError), bare:
            if "DEBUG = True" in lost_page(bare):
                pytest.fail(
                    "Sans aucune variable, daphne démarre pourtant, et montre au monde ses traces "
                    "et ses réglages : DEBUG y vaut True."
                )
        someone = Visitor(sealed)
        try:
            someone.find(1, "de connexion")
        except AssertionError as refusal:
            if "HTTP 400" not in str(refusal):
                raise
            pytest.fail(
                "En production, le serveur refuse 127.0.0.1, que DJANGO_ALLOWED_HOSTS lui permet : "
                "ALLOWED_HOSTS n'en tient pas compte."
            )
        cookies = [cookie for cookie in someone.jar if not cookie.secure]
        if cookies or not [*someone.jar]:
            names = ", ".join(cookie.name for cookie in cookies) or "aucun cookie"
            pytest.fail(f"Avec DJANGO_DEBUG=0, ce cookie voyagerait en clair : {names}.")
