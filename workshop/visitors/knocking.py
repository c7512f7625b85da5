"""Frapper au chat du vrai serveur, avec un compte ou sans, et lire ce qu'il refuse."""

import asyncio
import contextlib
import json
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from workshop.visitors.reading import Form, Page, Reader, kind
from workshop.visitors.visiting import PageVisitor

# Chaque attente est bornée.
SECONDS = 5
PASSWORD = "trois-poneys-Verts-9"


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

    def find(self, passwords: int, what: str, start: str = "/") -> Form:
        """Suit les liens d'une page jusqu'à un formulaire qui a tant de mots de passe."""
        for link in dict.fromkeys(self.read(start).links):
            if link.startswith(self.server.url):
                page = self.read(link)
                for form in page.forms:
                    if form.kinds.count("password") == passwords:
                        if not page.language.startswith("fr") or "passe" not in page.text:
                            pytest.fail(f"La page {what} n'est pas en français.")
                        return form
        place = "La page d'accueil" if start == "/" else f"La page {urlsplit(start).path}"
        pytest.fail(f"{place} n'a pas de lien vers une page {what}.")

    async def name(self) -> str:
        """Renvoie le nom dont le chat salue cette personne."""
        async with entering(self.server, self.cookie) as ws:
            return ws.welcome.get("name")


def signed_up(server, name: str) -> Visitor:
    """Renvoie quelqu'un qui vient de créer un compte."""
    someone = Visitor(server)
    someone.submit(someone.find(2, "pour créer un compte"), name, PASSWORD)
    return someone


async def present(page: PageVisitor, someone: Visitor) -> None:
    """Donne au navigateur les cookies de quelqu'un."""
    for cookie in someone.jar:
        said = f"{cookie.name}={cookie.value}; path=/"
        await page.value(f"document.cookie = {json.dumps(said)}")
