"""Ce que l'on entend d'un salon qui garde ses messages, et ce qu'une page en montre.

Chaque fonction lève AssertionError, avec une phrase, si le projet répond autre chose.
"""

import asyncio
import contextlib
import json
from typing import NoReturn

from workshop.browsers.driving import DrivingError
from workshop.visitors.bad_network import BadNetwork
from workshop.visitors.members import NetworkMember
from workshop.visitors.visiting import PageFault, PageVisitor

# Ce que porte tout message, sur le fil.
FIELDS = ("number", "name", "text", "sent")
LONGEST_PAGE = 50


def fail(sentence: str) -> NoReturn:
    """Un but échoue, et dit pourquoi."""
    raise AssertionError(sentence)


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
        fail(otherwise or f"Attendu : une trame « {kind} ». Entendu : rien n'est venu.")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("type") != kind:
        fail(f"Attendu : une trame « {kind} ». Entendu : « {str(text)[:200]} ».")
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
            fail(f"La trame « message » n'a pas de « {field} ». Elle a : {has}.")
    if found["text"] != text:
        fail(f"Attendu : le message « {text} ». Entendu : « {found['text']} ».")
    if found["number"] != number:
        fail(
            f"Le message « {text} » devrait porter le numéro {number} ; il porte {found['number']}."
        )
    if key is not None and found.get("key") != key:
        fail(f"Le message « {text} » a été dit avec la clé {key} ; il revient sans elle.")
    return found


async def ask(someone, kind: str, number: int | None) -> dict:
    """Pose une question, et vérifie la forme de la réponse."""
    await someone.say(json.dumps({"type": kind, "number": number}))
    question = f"À « {kind} » {'sans numéro' if number is None else number}, "
    answer = await frame(someone, "history", f"{question}le projet ne répond rien.")
    if not isinstance(answer.get("messages"), list) or not isinstance(answer.get("last"), int):
        fail(f"{question}la réponse doit avoir « messages », une liste, et « last ».")
    for one in answer["messages"]:
        for field in FIELDS:
            if not isinstance(one, dict) or field not in one:
                fail(f"{question}un message de la réponse n'a pas de « {field} ».")
    if len(answer["messages"]) > LONGEST_PAGE:
        fail(
            f"{question}la réponse a {len(answer['messages'])} messages. Cinquante suffisent : un "
            "salon peut en avoir cent mille."
        )
    numbers = [one["number"] for one in answer["messages"]]
    if numbers != sorted(numbers):
        fail(f"{question}les messages ne sont pas dans l'ordre : {shown(answer['messages'])}.")
    return answer


async def fill(someone, number: int) -> dict:
    """Dit autant de messages, les entend tous revenir, et renvoie le dernier."""
    for i in range(1, number + 1):
        await someone.say(json.dumps({"type": "message", "key": f"k{i}", "text": f"phrase {i}"}))
        found = await message(someone, i, f"phrase {i}")
    return found


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
        fail(f"{len(lost)} messages perdus, sur {len(said)} dits : « {lost[0]} »…")
    if twice:
        fail(f"{len(twice)} messages en double, sur {len(said)} dits : « {twice[0]} »…")


async def until(condition, seconds: float) -> None:
    """Attend qu'une condition soit vraie, au plus ce temps : la suite dira ce qui manque."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)


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

    async def climbs(self, pattern: str, number: int, seconds: float = 6) -> list[int]:
        """Remonte la page jusqu'à y lire autant de numéros ; renvoie ceux qu'elle montre.

        On remonte comme on peut : la molette, ou un bouton qui n'envoie rien.
        """
        numbers = f"Array.from(document.body.innerText.matchAll(/{pattern}/g), (one) => +one[1])"
        higher = (
            "document.querySelectorAll('*').forEach((one) => { one.scrollTop = 0; });"
            "document.querySelectorAll('button[type=button]').forEach((one) => {"
            " if (one.getClientRects().length) one.click(); });"
        )
        climbing = f"(() => {{ {higher} return ({numbers}).length >= {number}; }})()"
        with contextlib.suppress(DrivingError):
            await self.page.wait_for(climbing, seconds)
        # Un double peut encore venir.
        await asyncio.sleep(0.2)
        return await self.page.run(numbers)

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
