import asyncio
import json
import logging
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import IntegrityError
from redis import RedisError

from . import history
from .relay import absence, announce

# Moins qu'une boîte d'envoi : un paquet tient dans une boîte vide.
MOST_AT_ONCE = 50
by_loop = WeakKeyDictionary()
logger = logging.getLogger(__name__)


def find(kind, name):
    """Renvoie ce que ce processus a de ce nom : un salon, ou une session."""
    # Une tâche appartient à la boucle d'événements qui l'a créée.
    here = by_loop.setdefault(asyncio.get_running_loop(), {})
    return here.get((kind, name)) or here.setdefault((kind, name), kind(name, here))


class Subscription:
    """Une inscription de ce processus à un groupe, et ceux d'ici qu'elle sert."""

    prefix = ""

    def __init__(self, name, here):
        self.name, self.here, self.group = name, here, self.prefix + name
        self.members = set()
        self.subscribing = self.listening = None

    async def join(self, member):
        self.members.add(member)
        # Une inscription manquée se retente.
        if not self.subscribing or (self.subscribing.done() and self.subscribing.exception()):
            self.subscribing = asyncio.create_task(self.subscribe())
        # Qui part pendant ce temps n'interrompt pas l'inscription des autres.
        await asyncio.shield(self.subscribing)
        # Pas avant : l'accueil passe devant ce que dit le salon.
        if self.members and not self.listening:
            self.listening = asyncio.create_task(self.listen())

    def leave(self, member):
        if member not in self.members:
            return
        self.members.remove(member)
        if not self.members:
            del self.here[type(self), self.name]
            if self.listening:
                self.listening.cancel()

    async def subscribe(self):
        # Chaque essai manqué laisserait un canal dans la couche : une absence s'attend, et passe.
        if absence:
            await asyncio.sleep(1)
            if absence:
                raise RedisError("Redis ne répond plus.")
        self.layer = get_channel_layer()
        self.channel = await self.layer.new_channel()
        is_wanted = False
        try:
            await self.layer.group_add(self.group, self.channel)
            is_wanted = bool(self.members)
        finally:
            if not is_wanted:
                # La couche n'oublie un canal que si l'on cesse de l'écouter.
                listening = asyncio.create_task(self.listen())
                await asyncio.sleep(0)
                listening.cancel()

    async def listen(self):
        try:
            while True:
                event = await self.layer.receive(self.channel)
                try:
                    await self.receive(event)
                except Exception:
                    logger.exception("Une annonce n'a pas pu être lue : %s", event.get("type"))
                # Entre deux annonces, les autres tâches ont leur tour.
                await asyncio.sleep(0)
        finally:
            await self.layer.group_discard(self.group, self.channel)


class Session(Subscription):
    """Les connexions d'une session, dans ce processus."""

    async def receive(self, event):
        # La dernière à partir arrête cette tâche-ci : chacune part dans la sienne.
        self.ending = [asyncio.create_task(one.session_ended()) for one in self.members]


class Room(Subscription):
    """Un salon, dans ce processus."""

    prefix = "chat-"

    def __init__(self, name, here):
        super().__init__(name, here)
        self.unkept, self.keeping = [], None

    async def receive(self, event):
        self.tell(event["messages"])

    async def say(self, *said):
        """Garde un message, avec ceux qui attendent ; le renvoie, et s'il est nouveau."""
        kept = asyncio.get_running_loop().create_future()
        self.unkept.append((kept, said))
        if not self.keeping:
            self.keeping = asyncio.create_task(self.keep_all())
        return await kept

    async def keep_all(self):
        while self.unkept:
            batch, self.unkept = self.unkept[:MOST_AT_ONCE], self.unkept[MOST_AT_ONCE:]
            await self.keep(batch)
        self.keeping = None

    async def keep(self, batch):
        """Garde et annonce un paquet, et dit à chacun ce que son message est devenu."""
        try:
            found = await history.keep(self.name, [said for _, said in batch])
            await self.spread([message for message, is_new in found if is_new])
            ends = [(kept.set_result, one) for (kept, _), one in zip(batch, found, strict=True)]
        except Exception as error:
            if isinstance(error, IntegrityError) and len(batch) > 1:
                # Un seul message en faute ne doit pas emporter les autres.
                for one in batch:
                    await self.keep([one])
                return
            ends = [(kept.set_exception, error) for kept, _ in batch]
        for (kept, _), (end, value) in zip(batch, ends, strict=True):
            # Celui qui l'attendait est peut-être parti.
            if not kept.done():
                end(value)

    async def spread(self, messages):
        """Annonce des messages à tous les serveurs, ou à celui-ci seul si Redis manque."""
        event = {"type": "chat.messages", "messages": messages}
        if messages and not await announce(self.group, event):
            self.tell(messages)

    def tell(self, messages):
        """Écrit chaque message une fois, et donne le tout à chacun."""
        for is_json in (True, False):
            batch = [(one["number"], written(one, is_json)) for one in messages]
            for member in self.members:
                if member.json == is_json:
                    member.hear(batch)


def as_text(message):
    return f"<{message['name']}> {message['text']}"


def written(message, is_json):
    """Renvoie le texte d'un message, comme l'attend un membre."""
    return json.dumps(message, ensure_ascii=False) if is_json else as_text(message)
