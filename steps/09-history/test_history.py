"""Étape 09 : l'histoire du salon, gardée, numérotée, retrouvée."""

import asyncio
import json
import re
from datetime import datetime

import pytest
from django.db.models import ProtectedError, RestrictedError
from django.test import Client

from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.histories import (
    Watched,
    ask,
    enter,
    fill,
    frame,
    guests,
    message,
    shown,
)
from workshop.visitors.other_writer import erase, other_writer

# Une heure où l'on voit passer les secondes.
TO_THE_SECOND = re.compile(r"\d:\d\d:\d\d|^\d{9,}")
# Un autre programme écrit dans la base, ce temps-là.
TURN_SECONDS = 0.3
MANY = 60


def seconds_between(one, other) -> float:
    """Renvoie l'écart de deux heures ; zéro si elles ne sont pas écrites comme le fait Python."""
    if one == other:
        return 0
    try:
        moments = [datetime.fromisoformat(sent).astimezone() for sent in (one, other)]
    except (TypeError, ValueError):
        return 0
    return abs(moments[0] - moments[1]).total_seconds()


async def test_numbers(visitor):
    """Chaque message porte son numéro dans le salon, sans trou"""
    one, other = [await enter(visitor, "/chat/compte/") for _ in range(2)]
    moments = []
    for number, speaker in enumerate((one, one, other), 1):
        said = {"type": "message", "key": f"cle-{number}", "text": f"phrase {number}"}
        await speaker.say(json.dumps(said))
        for someone in (one, other):
            found = await message(someone, number, said["text"])
        moments.append(found["sent"])
    if len({*moments}) == 1:
        # La même seconde, peut-être : le prochain message est d'une autre.
        await asyncio.sleep(1.1)
        await one.say(json.dumps({"type": "message", "key": "cle-4", "text": "plus tard"}))
        later = (await message(one, 4, "plus tard"))["sent"]
        if later == moments[0] and TO_THE_SECOND.search(str(later)):
            pytest.fail("Deux messages, dits à une seconde l'un de l'autre, ont la même heure.")


async def test_rooms(visitor):
    """Chaque salon compte de son côté"""
    one, other = [await enter(visitor, f"/chat/{room}/") for room in ("poneys", "licornes")]
    await fill(one, 2)
    await fill(other, 2)
    await one.say(json.dumps({"type": "message", "key": "k3", "text": "encore"}))
    await message(one, 3, "encore")
    answer = await ask(other, "before", None)
    if answer["last"] != 2 or len(answer["messages"]) != 2:
        pytest.fail(
            "Un salon a deux messages, un autre en a trois. L'histoire du premier donne les "
            f"numéros {shown(answer['messages'])}, et « last » vaut {answer['last']}."
        )


async def test_before(visitor):
    """Qui arrive demande `before` et reçoit les derniers messages, dans l'ordre"""
    speaker = await enter(visitor, "/chat/arrivee/")
    answer = await ask(speaker, "before", None)
    if answer["messages"] or answer["last"] != 0:
        pytest.fail(
            "Dans un salon neuf, la réponse n'a pas de message, et « last » vaut 0. Entendu : "
            f"{shown(answer['messages'])}, et « last » vaut {answer['last']}."
        )
    told = await fill(speaker, MANY)
    answer = await ask(await enter(visitor, "/chat/arrivee/"), "before", None)
    numbers = [one["number"] for one in answer["messages"]]
    if not numbers or numbers != [*range(MANY + 1 - len(numbers), MANY + 1)]:
        pytest.fail(
            f"Le salon a {MANY} messages. Attendu : les derniers, jusqu'à {MANY}. Entendu : "
            f"{shown(answer['messages'])}."
        )
    if answer["last"] != MANY:
        pytest.fail(f"Le dernier numéro du salon est {MANY} ; « last » vaut {answer['last']}.")
    last = answer["messages"][-1]
    if last["text"] != f"phrase {MANY}":
        pytest.fail(
            f"Le message {MANY} n'est plus celui que l'on a dit : {json.dumps(last)[:200]}."
        )
    if seconds_between(last["sent"], told["sent"]) > 1:
        pytest.fail(f"Un message dit à {told['sent']} est, dans l'histoire, de {last['sent']}.")


async def test_older(visitor):
    """Qui remonte demande `before` un numéro et reçoit ce qui le précède"""
    speaker = await enter(visitor, "/chat/remontee/")
    await fill(speaker, MANY)
    first = MANY + 1
    while first > 1:
        found = (await ask(speaker, "before", first))["messages"]
        numbers = [one["number"] for one in found]
        if not numbers or numbers != [*range(first - len(numbers), first)]:
            pytest.fail(
                f"Attendu : les messages qui précèdent le {first}, jusqu'au {first - 1}. Entendu : "
                f"{shown(found)}."
            )
        first = numbers[0]
    if found := (await ask(speaker, "before", 1))["messages"]:
        pytest.fail(f"Rien ne précède le message 1. Entendu : {shown(found)}.")


async def test_after(visitor):
    """Qui revient demande `after` un numéro et reçoit ce qui le suit"""
    speaker = await enter(visitor, "/chat/retour/")
    await fill(speaker, MANY)
    last = 3
    while last < MANY:
        answer = await ask(speaker, "after", last)
        numbers = [one["number"] for one in answer["messages"]]
        if not numbers or numbers != [*range(last + 1, last + 1 + len(numbers))]:
            pytest.fail(
                f"Attendu : les messages qui suivent le {last}, à partir du {last + 1}. Entendu : "
                f"{shown(answer['messages'])}."
            )
        if answer["last"] != MANY:
            pytest.fail(f"Le dernier numéro du salon est {MANY} ; « last » vaut {answer['last']}.")
        last = numbers[-1]
    if found := (await ask(speaker, "after", MANY))["messages"]:
        pytest.fail(f"Rien ne suit le message {MANY}. Entendu : {shown(found)}.")


async def test_text(visitor):
    """La console et `client.py` parlent comme avant, et l'on garde ce qu'ils disent"""
    console = visitor()
    await console.enter("/chat/console/")
    await console.hears("Bienvenue Anonymous troll !")
    page = await enter(visitor, "/chat/console/")
    for number in (1, 2):
        await console.echoes("Salut les gens !")
        otherwise = "La console dit deux fois la même phrase ; la page n'en entend qu'une."
        await message(page, number, "Salut les gens !", otherwise=otherwise)
    # La page ne donne pas encore de clé non plus.
    await page.say(json.dumps({"type": "message", "text": "sans clé"}))
    await message(page, 3, "sans clé")
    await console.hears("<Anonymous troll> sans clé")
    answer = await ask(page, "before", None)
    if [one["text"] for one in answer["messages"]] != ["Salut les gens !"] * 2 + ["sans clé"]:
        pytest.fail(
            "Trois messages dits sans clé, dont deux par la console. Gardés : "
            f"{shown(answer['messages'])}."
        )


async def test_author(visitor, person):
    """Un message garde son auteur, et reste quand on efface la personne"""
    user, cookie = person
    troll = await enter(visitor, "/chat/auteur/")
    ada = visitor(subprotocols=("json",), cookie=cookie)
    await ada.enter("/chat/auteur/")
    await frame(ada, "welcome")
    for speaker, text in ((ada, "signé"), (troll, "anonyme")):
        await speaker.say(json.dumps({"type": "message", "text": text}))
        for someone in (ada, troll):
            await frame(someone, "message")
    if (number := await asyncio.to_thread(written_by, user)) != 1:
        pytest.fail(
            "Une personne connectée dit une phrase, un anonyme une autre. Dans la base, les lignes "
            f"qui renvoient au compte de la personne sont au nombre de {number}, au lieu d'une."
        )
    try:
        await user.adelete()
    except (ProtectedError, RestrictedError):
        pytest.fail("Une personne qui a parlé ne peut plus être effacée.")
    answer = await ask(troll, "before", None)
    if [one["text"] for one in answer["messages"]] != ["signé", "anonyme"]:
        pytest.fail(
            "On efface une personne ; ce qu'elle a dit doit rester, sous le nom qu'elle avait. "
            f"Gardés, de ses messages et de ceux des autres : {shown(answer['messages'])}."
        )


@pytest.fixture
def person(transactional_db, django_user_model):
    """Le compte d'une personne, et le cookie de sa session."""
    user, client = django_user_model.objects.create_user("ada"), Client()
    client.force_login(user)
    return user, f"sessionid={client.cookies['sessionid'].value}"


def written_by(user) -> int:
    """Renvoie combien de lignes du projet renvoient à cette personne."""
    found = 0
    for one in user._meta.related_objects:
        if not one.related_model.__module__.startswith("django."):
            rows = one.related_model._base_manager.filter(**{one.field.name: user})
            found += rows.count()
    return found


async def test_restart(server, project, network_visitor):
    """Ce que l'on a gardé survit à l'arrêt du serveur"""
    before = await enter(network_visitor, "/chat/reveil/")
    await before.say(json.dumps({"type": "message", "key": "a", "text": "avant la panne"}))
    await message(before, 1, "avant la panne")
    await asyncio.to_thread(server.restart)
    after = await enter(network_visitor, "/chat/reveil/")
    answer = await ask(after, "before", None)
    if [one["text"] for one in answer["messages"]] != ["avant la panne"]:
        pytest.fail(
            "Après un redémarrage, le salon devrait avoir son message. Entendu : "
            f"{shown(answer['messages'])}."
        )
    await after.say(json.dumps({"type": "message", "key": "b", "text": "après la panne"}))
    await message(after, 2, "après la panne")
    with other_writer(project):
        await after.say(json.dumps({"type": "message", "key": "c", "text": "à deux"}))
        await asyncio.sleep(TURN_SECONDS)
    try:
        await message(after, 3, "à deux")
    except AssertionError:
        if "database is locked" in server.log:
            pytest.fail(
                "Un autre programme écrit dans la base pendant que l'on parle : le chat n'attend "
                "pas son tour, et perd ce que l'on dit. Son journal dit : « database is locked »."
            )
        raise


async def test_erased(server, project, network_visitor):
    """Un message effacé n'est rendu à personne, et son numéro ne sert plus"""
    someone = await enter(network_visitor, "/chat/efface/")
    await fill(someone, 4)
    for text in ("phrase 2", "phrase 4"):
        await asyncio.to_thread(erase, project, text)
    answer = await ask(someone, "after", 0)
    if [one["number"] for one in answer["messages"]] != [1, 3]:
        pytest.fail(
            "Un salon a quatre messages ; on efface le deuxième et le dernier. À « after » 0, "
            f"attendu : 1, 3. Entendu : {shown(answer['messages'])}."
        )
    if answer["last"] != 4:
        pytest.fail(
            "Le dernier message d'un salon, le 4, est effacé ; « last » vaut "
            f"{answer['last']}. Qui avait lu le 4 attend la suite : « last » ne redescend pas."
        )
    await someone.say(json.dumps({"type": "message", "key": "k5", "text": "encore"}))
    found = await frame(someone, "message")
    if found["number"] == 4:
        pytest.fail(
            "Le dernier message d'un salon, le 4, est effacé ; le suivant prend son numéro. Une "
            "page qui avait lu le 4 ne montrera jamais celui-ci."
        )
    if found["number"] != 5:
        pytest.fail(
            "Après un message effacé, le suivant devrait porter le numéro 5 ; il porte "
            f"{found['number']}."
        )


@pytest.mark.asyncio(loop_scope="session")
async def test_page(server, browser):
    """La page montre ce que le salon a gardé, à l'arrivée et au retour, une seule fois"""
    async with BadNetwork(server.url) as network, guests(server) as guest:
        path = "/chat/page/"
        other = await enter(guest, path)
        page = Watched(await browser.page(), network, other)
        for text in ("capucine", "belladone"):
            await page.hears(text, "Une autre personne parle.", seen=False)
        await page.visitor.hurry(10)
        await page.enters(path)
        await page.shows("Le salon a deux messages, et l'on ouvre sa page.")
        await page.hears("giroflée", "Une autre personne parle.")
        network.cut()
        what = "Une autre personne parle pendant une coupure."
        await page.hears("pervenche", what, seen=False)
        network.mend()
        await page.shows(f"{what} La page revient.", seconds=8)
        await page.visitor.is_content()


@pytest.mark.asyncio(loop_scope="session")
async def test_scroll(server, browser):
    """Qui remonte dans la page y lit les messages plus anciens, jusqu'au premier"""
    async with BadNetwork(server.url) as network, guests(server) as guest:
        path = "/chat/hauteur/"
        other = await enter(guest, path)
        await fill(other, MANY)
        page = Watched(await browser.page(), network, other)
        await page.enters(path)
        numbers = await page.climbs(r"phrase (\d+)", MANY)
        if numbers != [*range(1, MANY + 1)]:
            page.fail(
                f"Le salon a {MANY} messages. On remonte jusqu'en haut de la page, et elle montre "
                f"{shown([{'number': number} for number in numbers])}."
            )
        await page.visitor.is_content()
