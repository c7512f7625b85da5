"""Étape 07 : la page. On juge ce qu'elle fait, dans un vrai navigateur, et jamais comment."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from workshop.visitors.members import MUTE
from workshop.visitors.reading import Reader, kind
from workshop.visitors.visiting import PageVisitor

HOST = "Anonymous troll"


def test_home(server):
    """La page d'accueil est en français, et son formulaire mène à un salon"""
    reader = Reader(server)
    home = reader.read("/")
    forms = [form for form in home.forms if any(map(is_text, form.fields))]
    assert forms, "La page d'accueil n'a pas de formulaire où écrire le nom d'un salon."
    assert home.language.startswith("fr"), (
        "La page d'accueil ne se dit pas en français : sa balise <html> n'a pas lang=\"fr\"."
    )
    pages = [reader.send(form, form.filled(in_the_room)) for form in forms]
    reached = [urlsplit(page.url) for page in pages]
    if not any(url.path.rstrip("/").endswith("/poneys") for url in reached):
        place = reached[0]._replace(scheme="", netloc="").geturl()
        pytest.fail(f"Le formulaire, rempli avec « poneys », mène à {place}, et non au salon.")


def is_text(field: dict) -> bool:
    return kind(field) not in ("hidden", "submit", "button", "checkbox", "radio")


def in_the_room(field: dict) -> str:
    return field.get("value", "") if kind(field) == "hidden" else "poneys"


async def test_room_page(server, network_visitor):
    """`/chat/poneys/` donne une page, et le chat à qui demande un WebSocket"""
    page = Reader(server).read("/chat/poneys/")
    served = page.headers.get_content_type()
    assert served == "text/html", f"/chat/poneys/ répond {served}, et non une page (text/html)."
    someone = network_visitor()
    await someone.enter("/chat/poneys/")
    await someone.hears(f"Bienvenue {HOST} !")
    await someone.echoes("la page n'a pas pris ma place")


def test_static_files(server):
    """Le serveur donne les fichiers que la page charge, dont un fichier JavaScript"""
    reader = Reader(server)
    page = reader.read("/chat/poneys/")
    loaded = page.scripts + page.styles
    ours = [address for address in loaded if address.startswith(server.url)]
    assert {*page.scripts} & {*ours}, (
        "La page du salon ne charge aucun fichier JavaScript : il lui faut "
        '<script type="module" src="…">.'
    )
    for address in ours:
        served = reader.read(address).headers.get_content_type()
        if address in page.scripts and "javascript" not in served:
            place = urlsplit(address).path
            pytest.fail(f"{place} est servi comme {served} : un navigateur ne l'exécute pas.")


async def test_subprotocol(visitor):
    """Qui demande le sous-protocole `json` l'obtient"""
    someone, console = visitor(subprotocols=("json",)), visitor()
    await someone.enter("/chat/poneys/")
    assert someone.subprotocol == "json", (
        "Le client propose « json », et la réponse ne choisit rien : Chrome et Edge referment "
        "aussitôt la connexion."
    )
    await console.enter("/chat/poneys/")
    assert console.subprotocol is None, (
        f"Le client ne propose rien, et la réponse choisit « {console.subprotocol} » : un "
        "navigateur refermerait aussitôt la connexion."
    )


async def test_frames(visitor):
    """En JSON, on entend la bienvenue, puis les messages"""
    someone = visitor(subprotocols=("json",))
    await someone.enter("/chat/poneys/")
    await hears(someone, type="welcome", name=HOST)
    for text in ("Salut les gens !", '« été », <b>, "guillemets" et \\'):
        await someone.say(json.dumps({"type": "message", "text": text}))
        await hears(someone, type="message", name=HOST, text=text)


async def test_both(visitor):
    """Le JSON de la page et le texte de la console se parlent dans le même salon"""
    page, console = visitor(subprotocols=("json",)), visitor()
    await page.enter("/chat/poneys/")
    await hears(page, type="welcome", name=HOST)
    await console.enter("/chat/poneys/")
    await console.hears(f"Bienvenue {HOST} !")
    await page.say(json.dumps({"type": "message", "text": "ici la page"}))
    await console.hears(f"<{HOST}> ici la page")
    await hears(page, type="message", name=HOST, text="ici la page")
    await console.echoes("ici la console")
    await hears(page, type="message", name=HOST, text="ici la console")


async def hears(member, **expected) -> None:
    """Attend une trame qui a ces clés ; les étapes suivantes en ajoutent, et d'autres sortes."""
    wanted = json.dumps(expected, ensure_ascii=False)
    while True:
        heard = await member.hear()
        assert heard is not None, f"Attendu, en JSON : {wanted}. Entendu : {MUTE}."
        try:
            frame = json.loads(heard)
        except ValueError:
            pytest.fail(f"Attendu, en JSON : {wanted}. Entendu, et ce n'en est pas : « {heard} ».")
        if isinstance(frame, dict) and frame.get("type") not in ("welcome", "message", None):
            continue
        if not isinstance(frame, dict) or expected.items() - frame.items():
            pytest.fail(f"Attendu, en JSON : {wanted}. Entendu : {heard}.")
        return


@pytest.mark.asyncio(loop_scope="session")
async def test_greeting(server, browser):
    """Dans un navigateur, la page salue par son nom qui arrive"""
    await PageVisitor(await browser.page()).opens(f"{server.url}/")
    page = await enter(browser, server.url, "licornes")
    await page.is_content()


@pytest.mark.asyncio(loop_scope="session")
async def test_two_pages(two_pages):
    """Ce que dit une page, une autre le montre"""
    one, other = two_pages
    for speaker, listener, text in ((one, other, "Salut, l'autre !"), (other, one, "Bien reçu.")):
        await speaker.say(text)
        await speaker.shows(text, f"Une page dit « {text} », et ne le montre pas elle-même.")
        await speaker.stays()
        await listener.shows(
            text, f"Une page dit « {text} », et l'autre ne le montre pas en 5 secondes."
        )
        said = f"Une page dit une fois « {text} »"
        await asyncio.gather(
            speaker.shows_once(text, said), listener.shows_once(text, f"{said}, une autre l'entend")
        )
    for page in two_pages:
        await page.is_content()


@pytest.mark.asyncio(loop_scope="session")
async def test_only_text(two_pages):
    """Une balise dans un message se montre, et ne s'exécute pas"""
    one, other = two_pages
    for text in ("du <b>gras</b>", "<img src=x onerror=window.attacked=1>"):
        await one.say(text)
        try:
            await other.shows(text, f"La page ne montre pas, en toutes lettres, « {text} ».")
        finally:
            if await other.value("window.attacked"):
                pytest.fail(f"La page a exécuté le message « {text} », au lieu de le montrer.")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def two_pages(server, browser):
    """Deux personnes, chacune devant sa page du même salon."""
    return await asyncio.gather(*(enter(browser, server.url) for _ in range(2)))


async def enter(browser, url: str, room: str = "poneys") -> PageVisitor:
    """Ouvre la page d'un salon pour une nouvelle personne, et attend que la page la salue."""
    visitor = PageVisitor(await browser.page())
    await visitor.enter(f"{url}/chat/{room}/")
    await visitor.shows(HOST, f"La page ne montre pas « {HOST} » à qui arrive.")
    return visitor
