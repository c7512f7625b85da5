"""Étape 17 : l'exploitation. Redémarrer, mesurer, restaurer, oublier, partager Redis en deux."""

import asyncio
import contextlib
import http.client
import json
import socket
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from workshop.project.deploying import manage
from workshop.project.files import copy_project
from workshop.project.serving import Server, require_no_exception
from workshop.system.nursed import ADDRESS
from workshop.system.processes import ServerError
from workshop.system.redis_server import RedisServer
from workshop.visitors.histories import ask, enter, guests, history, judge, until
from workshop.visitors.knocking import closed, heard, knocking, signed_up
from workshop.visitors.other_writer import restored, saved, spoil
from workshop.visitors.persistent import PersistentMember, persistent_members

HEALTH, METRICS = "/interne/sante/", "/interne/mesures/"
OUTSIDE_SECONDS = 3
# Une fois revenu, Redis retrouve ses abonnés un à un.
BACK_SECONDS = 8
ROOMS = [f"/chat/part-{name}/" for name in "abcdefghij"]


class Returning(PersistentMember):
    """Quelqu'un qui note combien de temps il est resté dehors, au plus."""

    longest, left = 0.0, None

    def lost_connection(self):
        self.left = self.left or time.monotonic()

    async def receive(self, frame):
        if self.left:
            self.longest = max(self.longest, time.monotonic() - self.left)
            self.left = None
        await super().receive(frame)

    def outside(self) -> float:
        return max(self.longest, time.monotonic() - self.left if self.left else 0)


def said(text: str) -> str:
    return json.dumps({"type": "message", "key": None, "text": text})


async def talk(members, end: asyncio.Event) -> int:
    """Fait parler chacun une fois par seconde, jusqu'à la fin ; renvoie combien de phrases."""
    number = 0
    while not end.is_set():
        await members[number % len(members)].say(f"phrase {number}")
        number += 1
        await asyncio.sleep(1 / len(members))
    return number


async def test_rolling(front):
    """Deux serveurs redémarrés l'un après l'autre : rien de perdu, personne dehors longtemps
    (facultatif)"""
    path, end = "/chat/roulement/", asyncio.Event()
    async with persistent_members(front.url, path, 16, Returning) as members:
        talking = asyncio.create_task(talk(members, end))
        await asyncio.sleep(1)
        for server in front.servers:
            await asyncio.to_thread(server.stop)
            # Il ne revient que quand l'autre a reçu tout le monde, ou aurait dû.
            await until(lambda: all(one.socket for one in members), OUTSIDE_SECONDS)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.restart)
        end.set()
        number = await talking
        if outside := sum(one.outside() > OUTSIDE_SECONDS for one in members):
            pytest.fail(
                f"Deux serveurs ont redémarré, l'un après l'autre. {outside} personnes sur 16 sont "
                f"restées dehors plus de {OUTSIDE_SECONDS} secondes, alors qu'il en restait "
                "toujours un."
            )
        await until(lambda: all(len(one.read) >= number for one in members), 10)
        async with guests(front) as visitors:
            kept = await history(await enter(visitors, path))
    judge([one["text"] for one in kept], [f"phrase {i}" for i in range(number)])
    for one in members:
        if [message["number"] for message in one.read] != [message["number"] for message in kept]:
            pytest.fail(
                f"Le salon a gardé {len(kept)} messages ; quelqu'un en a lu {len(one.read)}, ou "
                "dans un autre ordre."
            )


def status(server, path: str, secure: bool = False) -> int:
    """Demande une page sans suivre de renvoi ; renvoie le code de sa réponse."""
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    with contextlib.closing(kind("127.0.0.1", server.port, timeout=15)) as line:
        line.request("GET", path)
        return line.getresponse().status


async def test_health(server, project, python, tmp_path):
    """Une page dit si un serveur peut rendre service, même quand sa base est perdue"""
    if (found := await asyncio.to_thread(status, server, HEALTH)) != 200:
        pytest.fail(f"Tout va bien, et {HEALTH} répond HTTP {found}.")
    copy = tmp_path / "live"
    copy_project(project, copy)
    with Server(copy, python) as lost:
        spoil(copy)
        found = await asyncio.to_thread(status, lost, HEALTH)
    if found != 503:
        pytest.fail(f"La base n'est plus lisible, et {HEALTH} répond HTTP {found} ; attendu : 503.")


async def test_hidden(front):
    """Derrière nginx, les pages de l'intérieur ne sont à personne (facultatif)"""
    for path in (HEALTH, METRICS):
        found = await asyncio.to_thread(status, front, path, secure=True)
        if found not in (403, 404):
            pytest.fail(f"Derrière nginx, {path} répond HTTP {found} à qui passe.")
        found = await asyncio.to_thread(status, front.servers[0], path)
        # Les mesures ne sont peut-être pas encore là.
        if found != 200 and (path, found) != (METRICS, 404):
            pytest.fail(
                f"En production, {path}, demandée en clair au serveur lui-même, répond HTTP "
                f"{found}."
            )


def parsed(line: str) -> dict | None:
    """Renvoie l'objet JSON qu'est une ligne, ou None."""
    with contextlib.suppress(ValueError):
        found = json.loads(line)
        return found if isinstance(found, dict) else None
    return None


async def test_logs(front):
    """Une connexion qui finit laisse une ligne de JSON dans le journal (facultatif)"""
    before = [len(server.log) for server in front.servers]
    for server in front.servers:
        # De quoi faire parler le serveur lui-même.
        with socket.create_connection(("127.0.0.1", server.port), 5) as line:
            line.sendall(b"ceci n'est pas du HTTP\r\n\r\n")
            await asyncio.to_thread(line.recv, 1024)
    async with guests(front) as visitors:
        someone = await enter(visitors, "/chat/journal/")
        await someone.say(said("bonjour"))
        await someone.hear()
    lines = []

    def about() -> list[dict]:
        lines[:] = [
            line
            for server, start in zip(front.servers, before, strict=True)
            for line in server.log[start:].splitlines()
        ]
        return [one for one in map(parsed, lines) if one and one.get("room") == "journal"]

    await until(about, 3)
    if not (found := about()):
        last = lines[-1] if lines else "rien"
        pytest.fail(
            "Une connexion au salon « journal » finit. Aucune ligne de JSON du journal n'a ce "
            f"salon dans « room ». La dernière : {last[:80]}"
        )
    for field in ("seconds", "code"):
        if not isinstance(found[0].get(field), int | float):
            pytest.fail(f"La ligne d'une connexion qui finit n'a pas de nombre « {field} ».")
    if strange := [line for line in lines if parsed(line) is None]:
        pytest.fail(f"Une ligne du journal n'est pas du JSON : {strange[0][:200]}")


def measures(server) -> dict[str, float]:
    """Renvoie les mesures du chat, par nom."""
    families = text_string_to_metric_families(server.page(METRICS).text)
    return {one.name: one.value for family in families for one in family.samples if not one.labels}


async def test_metrics(server, network_visitor):
    """Une page compte les connexions, les messages, les refus, et le délai"""
    names = {
        "chat_connections": "les connexions ouvertes",
        "chat_messages_total": "les messages gardés",
        "chat_refusals_total": "les refus",
        "chat_delivery_seconds_count": "les délais",
        "chat_delivery_seconds_sum": "les délais",
    }
    before = await asyncio.to_thread(measures, server)
    for name, what in names.items():
        if name not in before:
            pytest.fail(f"{METRICS} n'a pas de mesure {name}, qui compte {what}.")
    people = [await enter(network_visitor, "/chat/mesures/") for _ in range(3)]
    for number in range(5):
        await people[0].say(said(f"phrase {number}"))
        for one in people:
            await one.hear()
    await people[1].say("ceci n'est pas une trame")
    await people[1].hear()
    after = await asyncio.to_thread(measures, server)
    gained = {name: after[name] - before[name] for name in names}
    expected = dict(zip(names, (3, 5, 1, 5), strict=False))
    for name, number in expected.items():
        if gained[name] != number:
            pytest.fail(
                "Trois personnes entrent, disent cinq phrases, et l'une envoie une trame de "
                f"travers : {name} devrait gagner {number} ; elle gagne {gained[name]:g}."
            )
    if not 0 < gained["chat_delivery_seconds_sum"] < 5:
        pytest.fail(
            "Cinq phrases viennent d'être livrées. La somme de leurs délais serait de "
            f"{gained['chat_delivery_seconds_sum']:g} secondes."
        )
    for one in people:
        await one.vanish()
    deadline = time.monotonic() + 3
    while (left := measures(server)["chat_connections"]) > before["chat_connections"]:
        if time.monotonic() > deadline:
            pytest.fail(f"Tout le monde est parti, et chat_connections dit encore {left:g}.")
        await asyncio.sleep(0.1)


async def speak(someone, text: str) -> int:
    """Dit une phrase, et renvoie le numéro qu'elle reçoit."""
    await someone.say(said(text))
    return json.loads(await someone.hear())["number"]


def managed(project, python, *arguments: str) -> None:
    """Lance une commande de `manage.py`, qui doit aboutir."""
    done = manage(project, python, {}, *arguments)
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["(rien)"])[-1]
        pytest.fail(f"« manage.py {' '.join(arguments)} » échoue : {last}")


async def test_restore(server, project, python, network_visitor, tmp_path):
    """Après une restauration, un numéro déjà donné ne l'est plus jamais"""
    old = await enter(network_visitor, "/chat/veille/")
    for number in range(3):
        await speak(old, f"avant la sauvegarde, {number}")
    copies = await asyncio.to_thread(saved, project, tmp_path)
    new = await enter(network_visitor, "/chat/ne-apres/")
    given = {
        one: [await speak(one, f"après la sauvegarde, {number}") for number in range(2)]
        for one in (old, new)
    }
    # La même sauvegarde peut servir deux fois.
    for _ in range(2):
        await asyncio.to_thread(restored, copies)
        await asyncio.to_thread(managed, project, python, "after_restore")
        for one, what in ((old, "Un salon"), (new, "Un salon né après la sauvegarde")):
            number = await speak(one, "après la restauration")
            if number <= given[one][-1]:
                pytest.fail(
                    f"{what} avait donné le numéro {given[one][-1]}. La base est restaurée, "
                    f"after_restore passe, et la phrase suivante reçoit le {number} : qui avait "
                    "lu l'ancien ne lira pas le nouveau."
                )
            given[one].append(number)
        # Une salle, elle, ne restaure pas deux fois par seconde.
        await asyncio.sleep(1.1)
    page = await ask(old, "after", given[old][-2])
    if [one["text"] for one in page["messages"]] != ["après la restauration"]:
        pytest.fail("Après une restauration, une page qui revient ne lit pas la suite.")


async def test_forget(server, project, python, network_visitor):
    """Une personne effacée ne laisse ni compte ni message"""
    ada = await asyncio.to_thread(signed_up, server, "ada")
    other = await enter(network_visitor, "/chat/oubli/")
    async with knocking(server, server.url, ada.cookie, "oubli") as ws:
        await heard(ws, "À l'arrivée")
        for text in ("première d'ada", "seconde d'ada"):
            await ws.send(said(text))
            await other.hear()
        await speak(other, "de quelqu'un d'autre")
        await asyncio.to_thread(managed, project, python, "forget", "--person", "ada")
        await ws.send(said("encore ada"))
        if (code := await closed(ws)) != 4401:
            pytest.fail(
                "ada est effacée pendant qu'elle est là. Elle parle, et sa connexion finit par le "
                f"code {code} ; attendu : 4401, comme toute session finie."
            )
    kept = [one["text"] for one in await history(await enter(network_visitor, "/chat/oubli/"))]
    if kept != ["de quelqu'un d'autre"]:
        pytest.fail(f"ada est effacée. Le salon ne devrait garder que l'autre ; il garde : {kept}")
    if await ada.name() == "ada":
        pytest.fail("ada est effacée, et le chat la salue encore par son nom.")
    done = await asyncio.to_thread(manage, project, python, {}, "forget", "--person", "inconnue-9")
    if not done.returncode or "inconnue-9" not in done.stdout or "Traceback" in done.stdout:
        pytest.fail("« forget --person » d'un compte qui n'existe pas doit échouer, et le nommer.")


async def test_retention(server, project, python, network_visitor):
    """Ce qui est trop vieux s'en va, et le salon continue"""
    someone = await enter(network_visitor, "/chat/vieux/")
    last = [await speak(someone, f"phrase {number}") for number in range(3)][-1]
    for days, left, what in (("365", 3, "a moins d'un an"), ("0", 0, "est plus vieux que cela")):
        await asyncio.to_thread(managed, project, python, "forget", "--days", days)
        if len(found := await history(someone)) != left:
            pytest.fail(
                f"« forget --days {days} » : tout {what}, et il reste {len(found)} messages sur 3."
            )
    if (number := await speak(someone, "la suite")) <= last:
        pytest.fail(f"Le salon a donné le numéro {last}, oublie, puis donne le {number}.")


async def live(visitors, word: str) -> set[str]:
    """Parle sur un serveur, dans chaque salon ; renvoie ceux où l'autre l'entend aussitôt."""

    async def hears(path: str) -> bool:
        speaker, listener = visitors[path]
        await speaker.say(said(f"{word} {path}"))
        with contextlib.suppress(AssertionError, TimeoutError):
            async with asyncio.timeout(1):
                while json.loads(await listener.hear() or "{}").get("text") != f"{word} {path}":
                    pass
                return True
        return False

    heard = await asyncio.gather(*map(hears, ROOMS))
    return {path for path, found in zip(ROOMS, heard, strict=True) if found}


async def test_shards(project, python):
    """Deux Redis se partagent les salons, et l'un peut tomber (facultatif)"""
    with contextlib.ExitStack() as stack:
        relays = [stack.enter_context(RedisServer()) for _ in range(2)]
        shared = {"REDIS_URL": ",".join(one.url for one in relays)}
        # Nés du même processus, ils auraient le même `hash`, qui d'ordinaire change.
        apart = shared | {ADDRESS: ""}
        try:
            pair = [stack.enter_context(Server(project, python, 0, one)) for one in (shared, apart)]
        except ServerError as refusal:
            if "ImproperlyConfigured" not in refusal.log:
                raise
            pytest.skip(
                "Avec deux adresses dans REDIS_URL, le serveur refuse de démarrer : ce but n'est "
                "pas jugé. C'est le mouvement 7, facultatif."
            )
        async with guests(pair[0]) as here, guests(pair[1]) as there:
            visitors = {path: [await enter(here, path), await enter(there, path)] for path in ROOMS}
            found = await live(visitors, "ensemble")
            if deaf := [path for path in ROOMS if path not in found]:
                pytest.fail(
                    f"Deux serveurs, deux Redis : dans {len(deaf)} salons sur {len(ROOMS)}, ce qui "
                    "se dit sur l'un ne s'entend pas sur l'autre."
                )
            alive = []
            for number, relay in enumerate(relays):
                relay.kill()
                alive.append(await live(visitors, f"sans {number}"))
                for server in pair:
                    if await asyncio.to_thread(status, server, HEALTH) != 200:
                        pytest.fail(
                            f"Un Redis manque, et {HEALTH} dit que le serveur ne peut plus rendre "
                            "service : qui la lit les arrêterait tous."
                        )
                relay.start()
                deadline = time.monotonic() + BACK_SECONDS
                while len(found := await live(visitors, "retour")) < len(ROOMS):
                    if time.monotonic() > deadline:
                        pytest.fail("Un Redis est revenu, et ses salons ne se relient pas.")
            if not all(alive):
                pytest.fail(
                    "Un des deux Redis s'arrête, et plus aucun salon ne s'entend d'un serveur à "
                    "l'autre : ils passent tous par celui-là."
                )
            if alive[0] & alive[1]:
                pytest.fail("Un salon s'annonce par les deux Redis : un seul suffit.")
            for path in ROOMS:
                kept = [one["text"] for one in await history(await enter(here, path))]
                if not {f"sans 0 {path}", f"sans 1 {path}"} <= {*kept}:
                    pytest.fail(f"Un Redis est tombé, et une phrase de {path} est perdue.")
        for server in pair:
            require_no_exception(server)
