"""Étape 08 : revenir. On coupe la page du serveur, et l'on regarde ce qu'elle en fait."""

import asyncio
import contextlib

import pytest
import pytest_asyncio

from workshop.browsers.driving import DrivingError
from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.histories import until
from workshop.visitors.members import NetworkMember
from workshop.visitors.visiting import PageVisitor

HOST = "Anonymous troll"
# Le temps de la page passe cinq fois plus vite ; ces durées sont les siennes, en secondes.
SPEED = 5
# Avec des délais qui grandissent, une page essaie deux ou trois fois pendant une telle panne.
OUTAGE, MOST_TRIES = 8, 16
FIRST_TRY = 10
# Une page qui n'a rien essayé pendant la panne a moins de chances de revenir : on l'attend moins.
RETURN_SECONDS, LAST_CHANCE = 60, 10
# Deux connexions au lieu d'une ne reviennent pas toujours ensemble.
SETTLE = 4

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_outage(network, page):
    """La page dit que le serveur s'est arrêté"""
    text = "Tout va bien."
    await page.say(text)
    await page.shows(text, f"Une page dit « {text} », et ne le montre pas elle-même.")
    await asyncio.sleep(0.2)
    connected = await page.shown()
    network.cut()
    await page.changes(connected, "Le serveur s'est arrêté, et la page n'en dit rien.", seconds=1)


async def test_unsent(network, page):
    """Ce que l'on écrit pendant une panne n'est pas perdu"""
    network.cut()
    await asyncio.sleep(0.5)
    if not await page.value("Boolean(field)"):
        # Une page qui ferme son champ ne laisse rien écrire.
        return
    text = "Une phrase de plus."
    await page.say(text)
    await page.keeps(text, f"Pendant une panne, on écrit « {text} », et cela disparaît de la page.")


async def test_return(server, network, page):
    """La page revient avec le serveur, sans que l'on y touche"""
    listener = NetworkMember(server.url)
    await listener.enter("/chat/retour/")
    network.cut()
    await until(lambda: network.tries, FIRST_TRY / SPEED)
    seconds = RETURN_SECONDS if network.tries else LAST_CHANCE
    network.mend()
    await until(lambda: network.through, seconds / SPEED)
    if not network.through:
        pytest.fail(f"Le serveur est revenu, et la page ne reparle pas en {seconds} secondes.")
    await asyncio.sleep(SETTLE / SPEED)
    await talks_again(page, listener)
    await listener.vanish()


async def test_patience(network, page):
    """Pendant une panne, la page patiente entre deux essais"""
    network.cut()
    await until(lambda: network.tries > MOST_TRIES, OUTAGE / SPEED)
    if network.tries > MOST_TRIES:
        pytest.fail(
            f"En {OUTAGE} secondes de panne, la page a frappé plus de {MOST_TRIES} fois à la porte."
        )


async def test_lines(server, page):
    """Entrée envoie, Maj + Entrée va à la ligne"""
    listener = NetworkMember(server.url)
    await listener.enter("/chat/retour/")
    await listener.hear()
    await page.say_lines("Ode aux poneys", "Vous aimez le foin.")
    heard = await listener.hear()
    await listener.vanish()
    if heard is None:
        pytest.fail(
            "On écrit deux lignes, avec Maj + Entrée entre elles, puis Entrée : rien ne part."
        )
    if heard != f"<{HOST}> Ode aux poneys\nVous aimez le foin.":
        pytest.fail(
            "On écrit deux lignes, avec Maj + Entrée entre elles, puis Entrée : le salon entend "
            f"« {heard} »."
        )


async def talks_again(page: PageVisitor, listener: NetworkMember) -> None:
    """Échoue si, revenue d'une panne, la page ne dit et ne montre pas chaque phrase une fois."""
    await page.say("Me revoilà.")
    while "Me revoilà." not in (heard := await listener.hear() or ""):
        if not heard:
            pytest.fail("Le serveur est revenu ; la page aussi, mais ce qu'elle dit se perd.")
    await page.shows_once("Me revoilà.", "Revenue d'une panne, la page dit « Me revoilà. »")
    await listener.say("Bon retour.")
    await page.shows_once("Bon retour.", "Revenue d'une panne, la page entend « Bon retour. »")


@pytest_asyncio.fixture(loop_scope="session")
async def network(server):
    """Un mauvais réseau entre une page et le serveur."""
    async with BadNetwork(server.url) as network:
        yield network


@pytest_asyncio.fixture(loop_scope="session")
async def page(network, browser):
    """Quelqu'un devant la page d'un salon, par le mauvais réseau, et que la page a salué."""
    visitor = PageVisitor(await browser.page())
    await visitor.hurry(SPEED)
    await visitor.enter(f"{network.url}/chat/retour/")
    await visitor.shows(HOST, f"La page ne montre pas « {HOST} » à qui arrive.")
    yield visitor
    # Une page qu'on laisse là frapperait encore, et le navigateur finirait par la freiner.
    with contextlib.suppress(DrivingError):
        await visitor.page.goto("about:blank")
