"""Étape 09 : l'histoire du salon. Rien de perdu, rien en double."""

import asyncio
import contextlib
import json
import re
from datetime import datetime

import pytest

from workshop.browsers.driving import DrivingError
from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.members import NetworkMember
from workshop.visitors.other_writer import erase, other_writer
from workshop.visitors.persistent import PersistentMember, persistent_members
from workshop.visitors.visiting import PageFault, PageVisitor

# Ce que porte tout message, sur le fil.
FIELDS = ("number", "key", "name", "text", "sent")
LONGEST_PAGE = 50
# Une heure où l'on voit passer les secondes.
TO_THE_SECOND = re.compile(r"\d:\d\d:\d\d|^\d{9,}")
# Un autre programme écrit dans la base, ce temps-là.
TURN_SECONDS = 0.3
MANY = 60
# Une réponse, une question : au-delà, la page tourne en rond.
MOST_QUESTIONS = 6


async def enter(visitor, path: str):
    """Fait entrer quelqu'un comme la page : en JSON, salué."""
    someone = visitor(subprotocols=("json",))
    await someone.enter(path)
    await frame(someone, "welcome")
    return someone


async def frame(someone, kind: str, otherwise: str = "") -> dict:
    """Renvoie la prochaine trame, qui doit être de cette sorte ; `otherwise` : si rien ne vient."""
    text = await someone.hear()
    if text is None:
        pytest.fail(otherwise or f"Attendu : une trame « {kind} ». Entendu : rien n'est venu.")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("type") != kind:
        pytest.fail(f"Attendu : une trame « {kind} ». Entendu : « {str(text)[:200]} ».")
    return found


def shown(messages: list[dict]) -> str:
    """Des numéros, lisibles dans une phrase."""
    numbers = [str(one.get("number")) for one in messages]
    return ", ".join(numbers if len(numbers) < 9 else [*numbers[:4], "…", *numbers[-3:]]) or "rien"


async def message(
    someone, number: int, text: str, key: str | None = None, otherwise: str = ""
) -> dict:
    """Attend un message de ce numéro et de ce texte, avec tout ce qu'un message porte."""
    found = await frame(someone, "message", otherwise)
    for field in FIELDS:
        if field not in found:
            has = ", ".join(f"« {name} »" for name in found)
            pytest.fail(f"La trame « message » n'a pas de « {field} ». Elle a : {has}.")
    if found["text"] != text:
        pytest.fail(f"Attendu : le message « {text} ». Entendu : « {found['text']} ».")
    if found["number"] != number:
        pytest.fail(
            f"Le message « {text} » devrait porter le numéro {number} ; il porte {found['number']}."
        )
    if key is not None and found["key"] != key:
        pytest.fail(f"Le message « {text} » a été dit avec la clé {key} ; il revient sans elle.")
    return found


async def ask(someone, kind: str, number: int | None) -> dict:
    """Pose une question, et vérifie la forme de la réponse."""
    await someone.say(json.dumps({"type": kind, "number": number}))
    question = f"À « {kind} » {'sans numéro' if number is None else number}, "
    answer = await frame(someone, "history", f"{question}le projet ne répond rien.")
    if not isinstance(answer.get("messages"), list) or not isinstance(answer.get("last"), int):
        pytest.fail(f"{question}la réponse doit avoir « messages », une liste, et « last ».")
    for one in answer["messages"]:
        for field in FIELDS:
            if not isinstance(one, dict) or field not in one:
                pytest.fail(f"{question}un message de la réponse n'a pas de « {field} ».")
    if len(answer["messages"]) > LONGEST_PAGE:
        pytest.fail(
            f"{question}la réponse a {len(answer['messages'])} messages. Cinquante suffisent : un "
            "salon peut en avoir cent mille."
        )
    numbers = [one["number"] for one in answer["messages"]]
    if numbers != sorted(numbers):
        pytest.fail(
            f"{question}les messages ne sont pas dans l'ordre : {shown(answer['messages'])}."
        )
    return answer


async def fill(someone, number: int) -> dict:
    """Dit autant de messages, les entend tous revenir, et renvoie le dernier."""
    for i in range(1, number + 1):
        await someone.say(json.dumps({"type": "message", "key": f"k{i}", "text": f"phrase {i}"}))
        found = await message(someone, i, f"phrase {i}")
    return found


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
    # Une page d'avant le chapitre 09 ne donne pas de clé non plus.
    await page.say(json.dumps({"type": "message", "text": "sans clé"}))
    await message(page, 3, "sans clé")
    await console.hears("<Anonymous troll> sans clé")
    answer = await ask(page, "before", None)
    if [one["text"] for one in answer["messages"]] != ["Salut les gens !"] * 2 + ["sans clé"]:
        pytest.fail(
            "Trois messages dits sans clé, dont deux par la console. Gardés : "
            f"{shown(answer['messages'])}."
        )


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
    except TimeoutError:
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


async def until(condition, seconds: float) -> None:
    """Attend qu'une condition soit vraie, au plus ce temps : la suite dira ce qui manque."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)


async def history(someone) -> list[dict]:
    """Renvoie toute l'histoire d'un salon, page après page."""
    found = []
    while more := (await ask(someone, "after", found[-1]["number"] if found else 0))["messages"]:
        found += more
    return found


def judge(kept: list[str], said: list[str]) -> None:
    """Compare ce que le salon a gardé à ce que l'on a dit."""
    lost = [text for text in said if text not in kept]
    twice = sorted({text for text in kept if kept.count(text) > 1})
    if lost:
        pytest.fail(f"{len(lost)} messages perdus, sur {len(said)} dits : « {lost[0]} »…")
    if twice:
        pytest.fail(f"{len(twice)} messages en double, sur {len(said)} dits : « {twice[0]} »…")


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


@contextlib.asynccontextmanager
async def guests(server):
    """Fabrique des visiteurs du vrai serveur, qui s'en vont à la fin du bloc."""
    made = []

    def make(**options) -> NetworkMember:
        made.append(NetworkMember(server.url, **options))
        return made[-1]

    yield make
    for one in made:
        await one.vanish()


class Watched:
    """Une page derrière un mauvais réseau, et quelqu'un d'autre dans le salon, qui n'y est pas.

    `texts` est ce qui s'est dit, et que la page doit montrer.
    """

    def __init__(self, page, network: BadNetwork, other):
        self.page, self.network, self.other = page, network, other
        self.visitor = PageVisitor(page)
        self.texts, self.gone, self.number = [], set(), 0

    async def enters(self, path: str) -> None:
        """Ouvre la page, qui doit demander l'histoire du salon."""
        await self.visitor.enter(self.network.url + path)
        await until(lambda: self.network.answered, 4)
        if not self.network.answered:
            self.fail("En arrivant, la page ne demande pas l'histoire du salon.")

    async def says(self, text: str, what: str) -> None:
        """Tape une phrase dans la page ; le salon l'entend, et la page la montre."""
        await self.visitor.say(text)
        await asyncio.sleep(0.2)
        self.network.mend()
        await self.heard(text, what)
        await self.shows(what)

    async def hears(self, text: str, what: str, seen: bool = True) -> None:
        """L'autre personne dit une phrase ; la page la montre, si elle doit déjà le pouvoir."""
        said = {"type": "message", "key": f"k{self.number}", "text": text}
        await self.other.say(json.dumps(said))
        await self.heard(text, what)
        if seen:
            await self.shows(what)

    async def heard(self, text: str, what: str) -> None:
        self.texts.append(text)
        self.number = number = self.number + 1
        found = await frame(self.other, "message", f"{what} Le salon ne l'entend jamais.")
        if (found["number"], found["text"]) != (number, text):
            self.fail(
                f"{what} Le salon entend « {found['text']} », numéro {found['number']}, au lieu de "
                f"« {text} », numéro {number}."
            )

    def erased(self, text: str) -> None:
        """Ce texte n'est plus dans le salon : la page ne doit plus le montrer."""
        self.texts.remove(text)
        self.gone.add(text)

    async def shows(self, what: str, seconds: float = 4) -> None:
        """Attend que la page montre ce qui s'est dit, une fois, dans l'ordre, et s'y tienne."""
        texts = json.dumps(self.texts)
        watched = json.dumps([*self.texts, *self.gone])
        words = "document.body.innerText.match(/[a-zéè]+(?=\\s)/g) ?? []"
        found = f"({words}).filter((word) => {watched}.includes(word))"
        with contextlib.suppress(DrivingError):
            await self.page.wait_for(f"({found}).join() === {texts}.join()", seconds)
        # Un double peut encore venir.
        await asyncio.sleep(0.2)
        seen = await self.page.run(found)
        if seen != self.texts:
            self.fail(what, seen)

    def fail(self, what: str, seen: list[str] | None = None) -> None:
        sentences = [what]
        if seen is not None:
            lost = [text for text in self.texts if text not in seen]
            ghosts = [text for text in seen if text in self.gone]
            twice = [text for text in self.texts if seen.count(text) > 1]
            trouble = f"l'ordre est : {', '.join(seen)}"
            if lost:
                trouble = f"il manque « {lost[0]} »"
            elif ghosts:
                trouble = f"« {ghosts[0]} », qui est effacé, est encore là"
            elif twice:
                trouble = f"« {twice[0]} » est là deux fois"
            sentences.append(f"Dans la page, {trouble}.")
        raise PageFault(" ".join(sentences), self.page.errors, reloaded=False)
