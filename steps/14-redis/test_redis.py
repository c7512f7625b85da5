"""Étape 14 : plusieurs serveurs, un salon, par Redis."""

import asyncio
import contextlib
import json
from importlib.util import find_spec

import pytest

from workshop.project.serving import Server, require_no_exception
from workshop.system.processes import ServerError, free_port
from workshop.system.redis_server import RedisServer, real_redis
from workshop.visitors.histories import enter, guests, history, judge, until
from workshop.visitors.knocking import Visitor, closed, heard, is_refusal, knocking, signed_up
from workshop.visitors.persistent import persistent_members

ENOUGH_CONNECTIONS = 450
GUESSES = 40
# Une fois revenu, Redis retrouve ses abonnés un à un.
BACK_SECONDS = 8


@pytest.fixture(scope="module")
def redis():
    """Un Redis à cette vérification seule."""
    if not real_redis() and not find_spec("fakeredis"):
        pytest.skip(
            "Aucun Redis n'est trouvé sur cette machine, ni son imitation. Le mouvement 2 dit "
            "comment en avoir un."
        )
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def pair(redis, project, python):
    """Deux serveurs du projet, sur la même base et le même Redis."""
    shared = {"REDIS_URL": redis.url}
    with Server(project, python, 0, shared) as first, Server(project, python, 0, shared) as second:
        yield first, second
        for server in (first, second):
            assert server.process.poll() is None, "Un des deux serveurs est tombé."


def said(text: str, key: str | None = None) -> str:
    return json.dumps({"type": "message", "key": key, "text": text})


async def hears(someone, text: str) -> bool:
    """Renvoie True si quelqu'un entend ce texte, et rien d'autre avant que des messages."""
    while (frame := await someone.hear()) is not None:
        if json.loads(frame).get("text") == text:
            return True
    return False


async def test_one_room(pair):
    """Deux serveurs, un Redis : ce qui se dit sur l'un s'entend sur l'autre"""
    first, second = pair
    async with guests(first) as here, guests(second) as there:
        ada, blaise = await enter(here, "/chat/relais/"), await enter(there, "/chat/relais/")
        chloe = await enter(there, "/chat/ailleurs/")
        for one, other in ((ada, blaise), (blaise, ada)):
            await one.say(said("bonjour"))
            if not await hears(one, "bonjour"):
                pytest.fail("Qui parle n'entend plus son propre message.")
            if not await hears(other, "bonjour"):
                pytest.fail(
                    "Deux serveurs ont le même REDIS_URL. Ce qui se dit sur l'un ne s'entend pas "
                    "sur l'autre."
                )
        await chloe.say(said("il n'y a que moi ici"))
        if json.loads(await chloe.hear() or "{}").get("text") != "il n'y a que moi ici":
            pytest.fail("Un salon entend ce qui se dit dans un autre, sur l'autre serveur.")
    for server in pair:
        require_no_exception(server)


def test_alone(project, python):
    """Sans REDIS_URL, le serveur démarre seul, et le dit"""
    with Server(project, python) as alone:
        said_at_start = alone.log.casefold()
    if "redis" not in said_at_start and "mémoire" not in said_at_start:
        pytest.fail(
            "Sans REDIS_URL, le serveur démarre sans dire que ses salons ne sont que dans sa "
            "mémoire."
        )


def test_refuses(project, python):
    """Si Redis ne répond pas, le serveur refuse de démarrer, et dit pourquoi"""
    nobody = Server(project, python, 0, {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"})
    try:
        with nobody:
            pytest.fail("REDIS_URL mène à un Redis arrêté, et le serveur démarre pourtant.")
    except ServerError as refusal:
        last = refusal.log.strip().splitlines()[-1]
    if "Redis" not in last or "ImportError" in last or "ModuleNotFound" in last:
        pytest.fail(
            "REDIS_URL mène à un Redis arrêté. Le serveur ne démarre pas, mais la dernière ligne "
            f"de son journal ne dit pas que Redis en est la cause : {last}"
        )


async def test_promise(redis, pair):
    """Redis tué puis relancé : aucun serveur ne tombe, rien de perdu, rien en double"""
    first, second = pair
    path, number = "/chat/promesse/", 120
    eve = await asyncio.to_thread(signed_up, first, "eve")
    home = await asyncio.to_thread(eve.read, "/")
    leaving = next(form for form in home.forms if form.method == "post")
    async with (
        persistent_members(first.url, path, 4) as here,
        persistent_members(second.url, path, 4) as there,
        guests(first) as guest,
    ):
        members, alone = here + there, await enter(guest, "/chat/seule/")
        await talk(members, range(number // 3))
        redis.kill()
        await talk(members, range(number // 3, number // 2))
        try:
            await alone.say(said("allô ?"))
            if not await hears(alone, "allô ?"):
                pytest.fail("Redis est arrêté, et qui parle n'entend pas sa propre phrase.")
        except AssertionError as closing:
            pytest.fail(f"Redis est arrêté, et qui est dans un salon n'y parle plus. {closing}")
        await settle(members, number // 2)
        if any(len(one.read) < number // 2 for one in members):
            pytest.fail(
                "Redis est arrêté. Ce qui se dit est gardé, et tout le monde ne le lit pas à son "
                "battement suivant."
            )
        try:
            await asyncio.to_thread(eve.submit, leaving)
        except AssertionError as refusal:
            pytest.fail(f"Redis est arrêté, et l'on ne peut plus se déconnecter. {refusal}")
        redis.start()
        await talk(members, range(number // 2, number))
        await settle(members, number)
    async with guests(first) as here, guests(second) as there:
        ada, blaise = await enter(here, "/chat/retour/"), await enter(there, "/chat/retour/")
        async with asyncio.timeout(BACK_SECONDS) as limit:
            with contextlib.suppress(TimeoutError):
                await ada.say(said("de retour"))
                while not await hears(blaise, "de retour"):
                    await ada.say(said("de retour"))
        if limit.expired():
            pytest.fail(
                "Redis est revenu, et ce qui se dit sur un serveur ne s'entend plus sur l'autre."
            )
        kept = await history(await enter(here, path))
    judge([one["text"] for one in kept], [f"phrase {i}" for i in range(number)])
    for one in members:
        if [message["number"] for message in one.read] != [message["number"] for message in kept]:
            pytest.fail(
                f"Le salon a gardé {len(kept)} messages ; quelqu'un en a lu {len(one.read)}, ou "
                "dans un autre ordre."
            )
    for server in pair:
        if server.process.poll() is not None:
            pytest.fail("Redis a été tué, et un serveur est tombé avec lui.")


async def talk(members, numbers) -> None:
    for number in numbers:
        await members[number % len(members)].say(f"phrase {number}")
        await asyncio.sleep(0.02)


async def settle(members, number: int) -> None:
    """Attend que tous aient tout lu ; s'arrête quand plus personne ne lit rien de neuf."""
    read = -1
    while read < (read := sum(len(one.read) for one in members)):
        await until(lambda: all(len(one.read) >= number and not one.unsent for one in members), 6)


async def test_crowd(pair):
    """Les connexions d'une adresse se comptent sur tous les serveurs"""
    first, second = pair
    async with contextlib.AsyncExitStack() as people:
        count, frame = 0, {"type": "welcome"}
        while frame.get("type") == "welcome" and count < ENOUGH_CONNECTIONS:
            count += 1
            frame, late = await knocks(first, people)
        if frame.get("type") == "welcome":
            pytest.fail(f"{count} connexions d'une même adresse, et aucune n'est refusée.")
        is_refusal(frame, f"À la {count}e connexion d'une même adresse")
        frame, late = await knocks(second, people)
        if frame.get("type") == "welcome":
            pytest.fail(
                f"Un serveur refuse la {count}e connexion d'une adresse ; l'autre l'admet encore."
            )
        if (code := await closed(late)) != 4429:
            pytest.fail(f"La connexion de trop est fermée avec le code {code} ; attendu : 4429.")
    # Une place rendue sur un serveur l'est pour l'autre.
    async with contextlib.AsyncExitStack() as people:
        for _ in range(20):
            frame, _ = await knocks(second, people)
            if frame.get("type") == "welcome":
                return
            await asyncio.sleep(0.5)
    pytest.fail("Tout le monde est parti, et la connexion suivante est encore de trop.")


async def knocks(server, people):
    """Frappe à un serveur, et y reste ; renvoie la première trame, et la connexion."""
    ws = await people.enter_async_context(knocking(server, server.url))
    return await heard(ws, "À l'arrivée"), ws


async def test_guessing(pair):
    """Qui devine un mot de passe sur un serveur est freiné sur l'autre"""
    first = pair[0]
    for server in pair:
        someone = Visitor(server)
        form = await asyncio.to_thread(someone.find, 1, "de connexion")
        for number in range(GUESSES if server is first else 1):
            try:
                await asyncio.to_thread(someone.submit, form, "fabien", f"essai-{number}")
            except AssertionError as refusal:
                if "HTTP 429" not in str(refusal) and "HTTP 403" not in str(refusal):
                    raise
                break
        else:
            if server is first:
                pytest.fail(f"{GUESSES} mots de passe essayés d'affilée, sans jamais freiner.")
            pytest.fail(
                "Un serveur freine qui devine un mot de passe ; l'autre lui en laisse essayer "
                "d'autres."
            )
