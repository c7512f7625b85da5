"""Étape 11 : les portes. Ce qui ne va pas est refusé, et le refus dit pourquoi."""

import asyncio
import contextlib
import itertools
import json
import urllib.error
import urllib.request
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from workshop.project.serving import Server
from workshop.system.processes import ServerError
from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.members import load
from workshop.visitors.policy import rules
from workshop.visitors.reading import Form, Page, Reader, kind
from workshop.visitors.visiting import PageVisitor

# Chaque attente est bornée ; les limites d'un apprenant peuvent être loin des nôtres.
SECONDS = 5
ENOUGH_FRAMES, ENOUGH_CONNECTIONS = 2000, 1000
FLOOD_SECONDS = 20
READING_SECONDS = 1.5
GUESSES = 40
HOST = "Anonymous troll"
# Moins que le seau d'une connexion, et plus que n'en garde un serveur pendant une déconnexion.
BURST = 80
PASSWORD = "trois-poneys-Verts-9"
MALFORMED = {
    frame: frame
    for frame in (
        *("salut", "[]", "null"),
        *('{"type": "danse"}', '{"type": "message"}', '{"type": "message", "text": 3}'),
        '{"type": "message", "key": [], "text": "a"}',
        '{"type": "after", "number": "dix"}',
    )
} | {"de vingt mille crochets": "[" * 20_000, "de deux octets": b"\0\1"}


def knocking(server, origin, cookie="", room="portes"):
    """Renvoie de quoi entrer dans un salon du vrai serveur, comme une page de cette origine."""
    return connect(
        f"{server.url.replace('http', 'ws', 1)}/chat/{room}/",
        origin=origin,
        subprotocols=["json"],
        additional_headers={"Cookie": cookie} if cookie else {},
        proxy=None,
        max_size=None,
        open_timeout=SECONDS,
        close_timeout=1,
    )


@contextlib.asynccontextmanager
async def entering(server, cookie="", room="portes"):
    """Entre dans un salon comme la page du chat ; la première trame est lue."""
    try:
        async with knocking(server, server.url, cookie, room) as ws:
            ws.welcome = await heard(ws, "À l'arrivée")
            yield ws
    except InvalidStatus as refusal:
        status = refusal.response.status_code
        pytest.fail(f"La page du chat elle-même est refusée (HTTP {status}).")


async def heard(ws, after: str) -> dict:
    """Renvoie la prochaine trame ; `after` dit ce qui vient de se passer, pour la phrase rouge."""
    try:
        text = await asyncio.wait_for(ws.recv(), SECONDS)
        frame = json.loads(text)
    except ConnectionClosed:
        pytest.fail(f"{after}, le projet ferme la connexion (code {ws.close_code}).")
    except TimeoutError:
        pytest.fail(f"{after}, le projet ne répond rien.")
    except ValueError:
        pytest.fail(f"{after}, le projet répond « {text[:80]} », qui n'est pas du JSON.")
    if not isinstance(frame, dict):
        pytest.fail(f"{after}, le projet répond « {text[:80]} », et non un objet JSON.")
    return frame


async def closed(ws) -> int | None:
    """Renvoie le code de la fermeture, ou None si la connexion reste ouverte."""
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                await ws.recv()
    except ConnectionClosed:
        return ws.close_code
    except TimeoutError:
        return None


def shortened(frame: dict) -> str:
    shown = json.dumps(frame, ensure_ascii=False)
    return shown if len(shown) < 100 else f"{shown[:99]}…"


def is_refusal(frame: dict, after: str) -> None:
    """Échoue si une trame n'est pas un refus qui dit pourquoi."""
    shown = shortened(frame)
    if frame.get("type") != "refused":
        pytest.fail(f"{after}, attendu : une trame « refused ». Entendu : {shown}.")
    if not isinstance(frame.get("reason"), str) or not frame["reason"].strip():
        pytest.fail(f"{after}, le refus doit dire pourquoi, dans « reason ». Entendu : {shown}.")


async def still_talks(ws, after: str) -> None:
    """Échoue si cette connexion ne parle plus."""
    await ws.send(json.dumps({"type": "message", "key": None, "text": "je suis encore là"}))
    frame = await heard(ws, f"{after}, puis à un message ordinaire")
    if frame.get("text") != "je suis encore là":
        pytest.fail(f"{after}, un message ordinaire doit revenir. Entendu : {shortened(frame)}.")


async def test_malformed(server):
    """Une trame de travers est refusée avec une raison, et la connexion continue"""
    # Un refus peut faire attendre : trois personnes se partagent les trames.
    frames = [*MALFORMED.items()]
    tried = (refused_one_by_one(server, f"portes-{part}", frames[part::3]) for part in range(3))
    for trouble in await asyncio.gather(*tried, return_exceptions=True):
        if trouble:
            raise trouble


async def refused_one_by_one(server, room: str, frames: list[tuple[str, str | bytes]]) -> None:
    async with entering(server, room=room) as ws:
        for name, frame in frames:
            after = f"À la trame {name}"
            await ws.send(frame)
            is_refusal(await heard(ws, after), after)
        await still_talks(ws, "Après ces trames")


async def test_long_text(server):
    """Un texte trop long est refusé, avec la clé de son message"""
    async with entering(server) as ws:
        after = "À un message de vingt mille caractères"
        await ws.send(json.dumps({"type": "message", "key": "trop-long", "text": "x" * 20_000}))
        frame = await heard(ws, after)
        is_refusal(frame, after)
        if frame.get("key") != "trop-long":
            pytest.fail(
                f"{after}, de clé « trop-long », le refus doit porter cette clé, dans « key ». "
                f"Elle vaut {json.dumps(frame.get('key'))} : la page ne sait pas lequel reprendre."
            )
        await still_talks(ws, after)


@pytest.mark.asyncio(loop_scope="session")
async def test_refusal(server, browser):
    """La page montre un refus le temps de le lire, et s'en remet"""
    async with entering(server, room="refus") as other, BadNetwork(server.url) as network:
        await still_talks(other, "De la page du chat elle-même")
        page = PageVisitor(await browser.page())
        await page.hurry(4)
        url = f"{network.url}/chat/refus/"
        await page.enter(url)
        await page.shows(HOST, "La page ne salue plus qui arrive.")

        await network.tell(refusal("Trop de capucines."))
        await network.dismiss(4429)
        await asyncio.sleep(READING_SECONDS)
        sentence = "Le chat refuse, dit pourquoi, et raccroche : la page n'en montre rien à lire."
        await page.shows("Trop de capucines.", sentence, seconds=0.2)
        network.mend()
        await gone(page, "Trop de capucines.", "Après un refus, la page ne revient pas")

        await network.tell(refusal("Trop de belladones.", wait=0.1))
        await page.shows("Trop de belladones.", "Le chat refuse ; la page ne dit pas pourquoi.")
        await gone(page, "Trop de belladones.", "Le chat refuse pour un dixième de seconde")

        network.objection = refusal("Trop de giroflées.", wait=0.1)
        await page.enter(url)
        await page.shows(
            "je suis encore là",
            "Un refus vient avant la réponse à une question ; l'histoire du salon ne vient plus.",
        )
        await page.is_content()


def refusal(reason: str, wait: float | None = None) -> dict:
    return {"type": "refused", "key": None, "wait": wait, "reason": reason}


async def gone(page: PageVisitor, reason: str, what: str) -> None:
    """Échoue si la raison d'un refus se lit encore, quand il n'y a plus rien à attendre."""
    for _ in range(80):
        if reason not in await page.shown():
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"{what} ; huit secondes après, on lit encore ce refus.")


class Visitor(Reader):
    """Quelqu'un qui a un compte, ou qui en voudrait un."""

    def __init__(self, server):
        super().__init__(server, "La page ")

    def submit(self, form: Form, name: str = "", password: str = "") -> Page:
        """Remplit un formulaire, l'envoie, et renvoie la page où il mène."""
        said = {"text": name, "password": password, "email": f"{name}@exemple.fr"}

        def value(field):
            return said[kind(field)] if kind(field) in said else field.get("value", "")

        return self.send(form, form.filled(value))

    def find(self, passwords: int, what: str) -> Form:
        """Suit les liens de l'accueil jusqu'à un formulaire qui a tant de mots de passe."""
        for link in dict.fromkeys(self.read("/").links):
            if link.startswith(self.server.url):
                page = self.read(link)
                for form in page.forms:
                    if form.kinds.count("password") == passwords:
                        if not page.language.startswith("fr") or "passe" not in page.text:
                            pytest.fail(f"La page {what} n'est pas en français.")
                        return form
        pytest.fail(f"La page d'accueil n'a pas de lien vers une page {what}.")

    async def name(self) -> str:
        """Renvoie le nom dont le chat salue cette personne."""
        async with entering(self.server, self.cookie) as ws:
            return ws.welcome.get("name")


def signed_up(server, name: str) -> Visitor:
    """Renvoie quelqu'un qui vient de créer un compte."""
    someone = Visitor(server)
    someone.submit(someone.find(2, "pour créer un compte"), name, PASSWORD)
    return someone


@pytest.fixture(scope="session")
def blaise(server) -> Visitor:
    """Quelqu'un qui vient de créer un compte ; un mot de passe est long à chiffrer."""
    return signed_up(server, "blaise")


async def test_account(server, blaise):
    """On crée un compte, on s'y connecte, et le chat appelle par son nom"""
    someone, other = Visitor(server), Visitor(server)
    form = await asyncio.to_thread(someone.find, 1, "de connexion")
    await asyncio.to_thread(someone.submit, form, "blaise", PASSWORD)
    if (name := await someone.name()) != "blaise":
        pytest.fail(f"Blaise s'inscrit, puis se connecte ; le chat l'appelle « {name} ».")
    form = await asyncio.to_thread(other.find, 1, "de connexion")
    await asyncio.to_thread(other.submit, form, "blaise", "un autre mot de passe")
    if (name := await other.name()) != "Anonymous troll":
        pytest.fail(f"Avec un mauvais mot de passe, le chat appelle le visiteur « {name} ».")


async def test_logout(server):
    """Qui se déconnecte perd aussitôt sa connexion au chat, avec le code 4401"""
    someone = await asyncio.to_thread(signed_up, server, "chloe")
    home = await asyncio.to_thread(someone.read, "/")
    leaving = [form for form in home.forms if form.method == "post" and "text" not in form.kinds]
    if not leaving:
        pytest.fail("La page d'accueil n'offre à qui est connecté aucun bouton pour en sortir.")
    async with entering(server, someone.cookie) as ws:
        for form in leaving:
            await asyncio.to_thread(someone.submit, form)
        if (name := await someone.name()) != "Anonymous troll":
            pytest.fail(f"Après la déconnexion, le chat appelle encore ce visiteur « {name} ».")
        if (code := await closed(ws)) is None:
            pytest.fail(
                "Une personne se déconnecte du site ; sa connexion au chat reste ouverte, et elle "
                "peut encore y parler en son nom."
            )
        if code != 4401:
            pytest.fail(f"À la déconnexion, le code attendu est 4401 ; c'est {code}.")


async def test_ended(server):
    """Une connexion que le chat a fermée ne garde plus rien"""
    someone = await asyncio.to_thread(signed_up, server, "denise")
    home = await asyncio.to_thread(someone.read, "/")
    leaving = [form for form in home.forms if form.method == "post" and "text" not in form.kinds]
    async with (
        entering(server, room="apres") as witness,
        entering(server, someone.cookie, room="apres") as ws,
    ):
        # Dits d'un trait : ils sont encore en route quand la session finit.
        for number in range(BURST):
            await ws.send(json.dumps({"type": "message", "key": f"d{number}", "text": "moi"}))
        for form in leaving:
            await asyncio.to_thread(someone.submit, form)
        await closed(ws)
        kept = await last_number(witness, "Après une déconnexion")
        await asyncio.sleep(1)
        later = await last_number(witness, "Après une déconnexion") - kept
    if later:
        pytest.fail(
            "Une personne envoie une rafale, et se déconnecte. Sa connexion est fermée, et le chat "
            "garde encore ce qu'elle avait envoyé, sous son nom."
        )


@pytest.mark.asyncio(loop_scope="session")
async def test_outbox(server, browser):
    """Ce qui attend d'être envoyé ne part pas sous un autre nom"""
    ada, elise = [await asyncio.to_thread(signed_up, server, one) for one in ("ada", "elise")]
    page = PageVisitor(await browser.page())
    url = f"{server.url}/chat/boite/"
    await page.opens(f"{server.url}/")
    await present(page, ada)
    await page.enter(url)
    await page.shows("ada", "La page du salon ne salue plus qui arrive.")
    # Rien ne part : le réseau a l'air de marcher, et ne marche pas.
    await page.value("WebSocket.prototype.send = () => {}")
    await page.say("Ceci est d'Ada.")
    await present(page, elise)
    await page.enter(url)
    await page.shows("elise", "La page du salon ne salue plus qui arrive.")
    await asyncio.sleep(1)
    async with entering(server, room="boite") as witness:
        await witness.send(json.dumps({"type": "before", "number": None}))
        found = (await heard(witness, "À « before »")).get("messages", [])
        if strangers := [one["name"] for one in found if one["name"] != "ada"]:
            pytest.fail(
                "Ada écrit une phrase qui ne part pas ; une autre personne se connecte dans "
                f"le même onglet, et la phrase part sous le nom « {strangers[0]} »."
            )

    home = await asyncio.to_thread(elise.read, "/")
    before = await page.shown()
    for form in home.forms:
        if form.method == "post" and "text" not in form.kinds:
            await asyncio.to_thread(elise.submit, form)
    await page.changes(before, "La session finit ; la page du salon n'en dit rien.")
    await page.value("dispatchEvent(new Event('online'))")
    await asyncio.sleep(READING_SECONDS)
    if HOST in await page.shown():
        pytest.fail(
            "Après 4401, le réseau revient, et la page aussi, sans rien demander : celui qui "
            f"parlait sous son nom est devenu « {HOST} »."
        )


async def present(page: PageVisitor, someone: Visitor) -> None:
    """Donne au navigateur les cookies de quelqu'un."""
    for cookie in someone.jar:
        said = f"{cookie.name}={cookie.value}; path=/"
        await page.value(f"document.cookie = {json.dumps(said)}")


async def last_number(ws, after: str) -> int:
    """Demande à un salon son dernier numéro."""
    await ws.send(json.dumps({"type": "after", "number": 2**31 - 1}))
    while (frame := await heard(ws, after)).get("type") != "history":
        pass
    return frame.get("last")


async def test_origin(server):
    """Une page d'un autre port est refusée, et celle du chat entre"""
    port = server.port + 1 if server.port < 65535 else server.port - 1
    for what, origin in (
        ("Une page d'un autre port de la même machine", f"http://127.0.0.1:{port}"),
        ("Une page d'un autre site", f"http://exemple.fr:{server.port}"),
    ):
        try:
            async with knocking(server, origin):
                pytest.fail(f"{what} entre dans le chat, avec les cookies de son visiteur.")
        except InvalidStatus:
            pass
    async with entering(server) as ws:
        await still_talks(ws, "De la page du chat elle-même")


class Guest:
    """Un visiteur dans ce processus, venu d'une adresse que l'on choisit."""

    ports = itertools.count(40_000)

    def __init__(self, application, address: str):
        headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        path = "/chat/portes/"
        self.communicator = WebsocketCommunicator(application, path, headers, ["json"])
        self.communicator.scope["client"] = [address, next(self.ports)]

    async def enter(self) -> dict:
        """Frappe à la porte ; renvoie la première trame."""
        await self.communicator.send_input({"type": "websocket.connect"})
        kind, _ = await self.event()
        if kind != "websocket.accept":
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


async def test_crowd(guest):
    """La connexion de trop, d'une même adresse, est refusée avec une raison et le code 4429"""
    count, frame = 0, {"type": "welcome"}
    while frame.get("type") == "welcome" and count < ENOUGH_CONNECTIONS:
        last = guest("10.0.0.3")
        count, frame = count + 1, await last.enter()
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
        frame = await guest(f"2001:db8:0:7::{count:x}").enter()
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
