"""Étape 10 : rien de perdu, rien en double."""

import asyncio
import json

import pytest

from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.histories import (
    Watched,
    enter,
    frame,
    guests,
    history,
    judge,
    message,
    until,
)
from workshop.visitors.other_writer import erase
from workshop.visitors.persistent import PersistentMember, Unanswered, persistent_members

# Une réponse, une question : au-delà, la page tourne en rond.
MOST_QUESTIONS = 6


async def test_key(visitor):
    """Un message redit avec la même clé ne fait pas de double"""
    said = json.dumps({"type": "message", "key": "une-cle", "text": "une fois"})
    before, other = [await enter(visitor, "/chat/cle/") for _ in range(2)]
    await before.say(said)
    for someone in (before, other):
        await message(someone, 1, "une fois", "une-cle")
    # La même personne, revenue après une coupure.
    await before.leave()
    again = await enter(visitor, "/chat/cle/")
    await again.say(said)
    text = await again.hear()
    if text is None:
        pytest.fail(
            "Celui qui redit un message déjà gardé n'entend pas son écho : il le redira sans fin."
        )
    echo = json.loads(text)
    if echo.get("number") == 2:
        pytest.fail("Le même message, redit avec la même clé, reçoit un second numéro.")
    if (echo.get("number"), echo.get("key")) != (1, "une-cle"):
        pytest.fail(
            "Attendu, pour celui qui redit : l'écho du message 1, avec sa clé. Entendu : "
            f"« {text[:200]} »."
        )
    await again.say(json.dumps({"type": "message", "key": "autre", "text": "la suite"}))
    for someone in (again, other):
        found = await frame(someone, "message")
        if found["number"] == 1:
            pytest.fail(
                "Le salon entend une seconde fois un message redit avec la même clé : il l'a déjà."
            )
        if found["number"] != 2:
            pytest.fail(
                f"Après un message redit, le suivant devrait porter le numéro 2 ; il porte "
                f"{found['number']}."
            )
    elsewhere = await enter(visitor, "/chat/ailleurs/")
    await elsewhere.say(said)
    otherwise = "La clé d'un message est déjà prise dans un autre salon ; celui-ci n'entend rien."
    await message(elsewhere, 1, "une fois", "une-cle", otherwise)
    # La console et `client.py` ne donnent pas de clé : ce qu'ils redisent est un autre message.
    console = visitor()
    await console.enter("/chat/cle/")
    await console.hears("Bienvenue Anonymous troll !")
    for number in (3, 4):
        await console.echoes("Salut les gens !")
        otherwise = "La console dit deux fois la même phrase ; la page n'en entend qu'une."
        await message(other, number, "Salut les gens !", otherwise=otherwise)


async def test_promise(server, network_visitor):
    """Rien de perdu, rien en double, quand on tue le serveur"""
    said = 200
    try:
        async with persistent_members(server.url, "/chat/promesse/", 10, Witness) as members:
            speakers, listener = members[:5], members[-1]
            listener.plan = said // 4, server.kill
            await talk(speakers, said)
            await until(lambda: not listener.plan, 20)
            await asyncio.to_thread(server.restart)
            await settle(members, said)
    except Unanswered:
        pytest.fail("Dix personnes entrent et demandent l'histoire ; elle ne vient pas.")
    kept = await history(await enter(network_visitor, "/chat/promesse/"))
    judge([one["text"] for one in kept], [f"phrase {number}" for number in range(said)])
    for one in members:
        compare(one.read, kept)


class Witness(PersistentMember):
    """Quelqu'un qui peut, à un certain message, faire ce que dit `plan`, sans un instant de retard.

    Tuer le serveur dès qu'un message est annoncé : s'il n'est pas encore gardé, cela se verra.
    """

    plan = None

    def arrive(self, message: dict) -> None:
        super().arrive(message)
        if self.plan and len(self.read) >= self.plan[0]:
            self.plan[1]()
            self.plan = None


async def talk(speakers, said: int) -> None:
    for number in range(said):
        await speakers[number % len(speakers)].say(f"phrase {number}")


async def settle(members, said: int) -> None:
    """Attend que tous aient tout lu ; s'arrête quand plus personne ne lit rien de neuf."""
    read = -1
    while read < (read := sum(len(one.read) for one in members)):
        await until(lambda: all(len(one.read) >= said and not one.unsent for one in members), 6)


def compare(read: list[dict], kept: list[dict]) -> None:
    """Compare ce qu'une personne a lu à ce que le salon a gardé."""
    for mine, one in zip(read, kept, strict=False):
        if (mine["number"], mine["text"]) != (one["number"], one["text"]):
            pytest.fail(
                "Sous un même numéro, une personne a lu un message, et le salon en garde un autre."
            )
    if len(read) != len(kept):
        pytest.fail(f"Le salon a gardé {len(kept)} messages ; une personne en a lu {len(read)}.")


@pytest.mark.asyncio(loop_scope="session")
async def test_page(server, browser):
    """La page ne perd rien et ne montre rien deux fois"""
    async with BadNetwork(server.url) as network, guests(server) as guest:
        path = "/chat/page/"
        other = await enter(guest, path)
        page = Watched(await browser.page(), network, other)
        # Ici, le temps est celui de tous : le battement n'a pas lieu avant dix secondes.
        await page.enters(path)
        await page.says("capucine", "La page dit une phrase.")
        network.lost |= {"belladone", "mandragore"}
        what = "Une autre personne parle, et l'annonce du premier de ses messages se perd."
        await page.hears("belladone", what, seen=False)
        await page.hears("giroflée", what)
        await page.visitor.is_content()

        await page.visitor.hurry(10)
        await page.page.goto(network.url + path)
        await page.shows("On recharge la page.")
        network.cut()
        await page.says("pervenche", "Une phrase est dite pendant une coupure.")
        network.cutting.add("marjolaine")
        await page.says("marjolaine", "La connexion se coupe avant l'écho d'une phrase.")
        what = "Une autre personne parle, et l'annonce de son dernier message se perd."
        await page.hears("mandragore", what)

        kept = await history(await enter(guest, path))
        judge([one["text"] for one in kept], page.texts)


@pytest.mark.asyncio(loop_scope="session")
async def test_erased_page(server, project, browser):
    """La page n'attend pas un message effacé, et ne le montre plus à son retour"""
    async with BadNetwork(server.url) as network, guests(server) as guest:
        path = "/chat/trou/"
        other = await enter(guest, path)
        page = Watched(await browser.page(), network, other)
        await page.enters(path)
        what = "Une autre personne parle."
        await page.hears("angélique", what)
        await page.hears("bourrache", what)

        what = "Trois annonces se perdent, et le deuxième de ces messages est effacé."
        network.lost |= {"camomille", "digitale", "euphorbe"}
        for text in ("camomille", "digitale", "euphorbe"):
            await page.hears(text, what, seen=False)
        await asyncio.to_thread(erase, project, "digitale")
        page.erased("digitale")
        network.asked = 0
        await page.hears("fougère", what)
        await asyncio.sleep(1)
        if network.asked > MOST_QUESTIONS:
            page.fail(f"{what} En une seconde, la page a posé {network.asked} questions.")
        await page.hears("gentiane", what)

        what = "Pendant une coupure, deux messages que montre la page sont effacés."
        network.cut()
        for text in ("bourrache", "gentiane"):
            await asyncio.to_thread(erase, project, text)
            page.erased(text)
        network.mend()
        await page.shows(f"{what} La page revient.", seconds=8)
        await page.hears("hellébore", what)
        await page.visitor.is_content()
