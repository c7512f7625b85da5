"""Étape 11 : les comptes et les portes. On sait qui parle, et ce qui est de travers est refusé."""

import asyncio
import json
from urllib.parse import quote, urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.knocking import (
    PASSWORD,
    Visitor,
    closed,
    entering,
    gone,
    heard,
    is_refusal,
    knocking,
    present,
    refusal,
    signed_up,
    still_talks,
)
from workshop.visitors.visiting import PageVisitor

READING_SECONDS = 1.5
HOST = "Anonymous troll"
ROOM = "/chat/suite/"
PASSWORDS = {"pour créer un compte": 2, "de connexion": 1}
# Plus que n'en garde un serveur pendant une déconnexion.
BURST = 80
MALFORMED = {
    frame: frame
    for frame in (
        *("salut", "[]", "null"),
        *('{"type": "danse"}', '{"type": "message"}', '{"type": "message", "text": 3}'),
        '{"type": "message", "key": [], "text": "a"}',
        '{"type": "after", "number": "dix"}',
    )
} | {"de vingt mille crochets": "[" * 20_000, "de deux octets": b"\0\1"}


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

        network.objection = refusal("Trop de giroflées.")
        await page.enter(url)
        await page.shows(
            "je suis encore là",
            "Un refus vient avant la réponse à une question ; l'histoire du salon ne vient plus.",
        )
        await page.is_content()


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


async def test_next(server):
    """D'un salon, on s'inscrit ou se connecte, et l'on y revient ; jamais à un autre site"""
    await asyncio.to_thread(comes_back, server, "fanny", "pour créer un compte")
    await asyncio.to_thread(comes_back, server, "fanny", "pour créer un compte", "de connexion")
    await asyncio.to_thread(comes_back, server, "gaston", "de connexion", "pour créer un compte")
    # Le même serveur, sous un autre nom.
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    for name, what in ("helene", "pour créer un compte"), ("fanny", "de connexion"):
        someone = Visitor(server)
        form = await asyncio.to_thread(someone.find, PASSWORDS[what], what, ROOM)
        trap = {value: elsewhere for value in (ROOM, quote(ROOM), quote(ROOM, safe=""))}
        for asked, place in trap.items():
            form.action = form.action.replace(f"={asked}", f"={place}")
        for field in form.fields:
            field["value"] = trap.get(field.get("value"), field.get("value", ""))
        page = await asyncio.to_thread(someone.submit, form, name, PASSWORD)
        if page.url.startswith(elsewhere):
            pytest.fail(
                f"L'adresse de la page {what} dit d'aller ensuite à un autre site, et l'on y va : "
                "qui a composé ce lien peut y demander un mot de passe."
            )


def comes_back(server, name: str, *pages: str) -> None:
    """Part d'un salon, suit ces pages, envoie le formulaire de la dernière, et revient."""
    someone, start = Visitor(server), ROOM
    for what in pages:
        form = someone.find(PASSWORDS[what], what, start)
        start = form.action
    page = someone.submit(form, name, PASSWORD)
    if (reached := urlsplit(page.url).path) != ROOM:
        way = ", puis la page ".join(pages)
        pytest.fail(
            f"Du salon {ROOM}, on passe par la page {way}. Le formulaire mène à {reached}, et non "
            "au salon."
        )


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
    # La raison vient avant l'adieu.
    await asyncio.sleep(0.5)
    await page.value("dispatchEvent(new Event('online'))")
    await asyncio.sleep(READING_SECONDS)
    if HOST in await page.shown():
        pytest.fail(
            "Après 4401, le réseau revient, et la page aussi, sans rien demander : celui qui "
            f"parlait sous son nom est devenu « {HOST} »."
        )


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
