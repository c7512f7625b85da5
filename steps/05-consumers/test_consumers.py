"""Étape 05 : le chat. Il répond ce que répondait celui de 2016, à deux améliorations près."""

import contextlib
import json
from pathlib import Path

import pytest
from django.test import Client

from workshop.visitors.members import Refused

TRANSCRIPT = json.loads(Path(__file__).with_name("transcript-2016.json").read_text("utf-8"))

# Les deux améliorations. En 2016, un chemin sans salon restait ouvert et muet.
NOT_ROOMS = ["/chat/", "/chat/a b/", "/chat/4chan-b", "/autre/", "/chat/été/"]
NOT_ROOMS += [f"/chat/{'a' * 200}/"]
# En 2016, une personne sans nom complet n'était pas nommée du tout.
NAMELESS = {"Bienvenue  !": "Bienvenue anonyme !", "<> bonjour": "<anonyme> bonjour"}


@pytest.fixture
def cookies(transactional_db, django_user_model) -> dict[str, str]:
    """Le cookie de session de deux personnes identifiées, avec et sans nom complet."""
    people = {
        "NAMED": {"username": "sam", "first_name": "Sam", "last_name": "Samson"},
        "NAMELESS": {"username": "anonyme"},
    }
    found = {}
    for person, names in people.items():
        client = Client()
        client.force_login(django_user_model.objects.create_user(**names))
        found[person] = f"sessionid={client.cookies['sessionid'].value}"
    return found


async def test_welcome(visitor):
    """Qui arrive entend `Bienvenue Anonymous troll !`"""
    someone = visitor()
    await someone.enter("/chat/poneys/")
    await someone.hears("Bienvenue Anonymous troll !")


async def test_echo(visitor):
    """Ce que l'on dit revient, précédé de son nom"""
    someone = visitor()
    await someone.enter("/chat/poneys/")
    await someone.hears("Bienvenue Anonymous troll !")
    await someone.echoes("Salut les gens !")
    await someone.echoes("encore moi")


async def test_room(visitor):
    """Tout le salon entend, et lui seul"""
    one, other, elsewhere = visitor(), visitor(), visitor()
    for someone, room in (one, "4chan-b"), (other, "4chan-b"), (elsewhere, "poneys"):
        await someone.enter(f"/chat/{room}/")
        await someone.hears("Bienvenue Anonymous troll !")
    await one.echoes("Salut les gens !")
    await other.hears("<Anonymous troll> Salut les gens !")
    await elsewhere.echoes("il n'y a que moi ici")


async def test_departure(visitor):
    """Quand quelqu'un part, les autres continuent"""
    one, other = visitor(), visitor()
    for someone in (one, other):
        await someone.enter("/chat/poneys/")
        await someone.hears("Bienvenue Anonymous troll !")
    await other.leave()
    await one.echoes("je suis encore là")


async def test_full_name(visitor, cookies):
    """Une personne identifiée est appelée par son nom complet"""
    someone = visitor(cookie=cookies["NAMED"])
    await someone.enter("/chat/poneys/")
    await someone.hears("Bienvenue Sam Samson !")
    other = visitor()
    await other.enter("/chat/poneys/")
    await other.hears("Bienvenue Anonymous troll !")
    await someone.echoes("bonjour", name="Sam Samson")
    await other.hears("<Sam Samson> bonjour")


async def test_username(visitor, cookies):
    """Sans nom complet, elle est appelée par son identifiant"""
    someone = visitor(cookie=cookies["NAMELESS"])
    await someone.enter("/chat/poneys/")
    await someone.hears("Bienvenue anonyme !")
    await someone.echoes("bonjour", name="anonyme")


async def test_not_a_room(visitor):
    """Une adresse qui n'est pas celle d'un salon est refusée"""
    for path in NOT_ROOMS:
        with contextlib.suppress(Refused):
            await visitor().enter(path)
            pytest.fail(f"Le projet ouvre {path[:40]}, qui n'est pas un salon.")


async def test_transcript(visitor, cookies):
    """La conversation de 2016 donne les mêmes réponses"""
    await play(TRANSCRIPT, lambda name: visitor(cookie=cookies.get(name, "")))


async def test_real_server(network_visitor):
    """Par le vrai serveur aussi"""
    anonymous = [event for event in TRANSCRIPT if not event[0].startswith("NAME")]
    last = next(i for i, event in enumerate(TRANSCRIPT) if event[0].startswith("NAME"))
    await play(anonymous[:last], lambda name: network_visitor())


async def play(transcript, make_visitor):
    """Rejoue une conversation et compare chaque réponse à celle de 2016.

    Un événement est `[qui, verbe, quoi…]`. `str[N]` est un texte de N caractères. Le silence
    (`hears nothing`) se prouve : ce que cette personne dit ensuite est la première chose qu'elle
    entend.
    """
    present = {}
    for name, verb, *what in transcript:
        if verb == "join":
            path, answer = what
            visitor = present[name] = make_visitor(name)
            if path in NOT_ROOMS:
                with pytest.raises(Refused):
                    await visitor.enter(path)
                del present[name]
            else:
                assert answer == "open"
                await visitor.enter(path)
        elif name not in present:
            assert what == ["nothing"]
        elif verb == "says":
            await present[name].say(_text(what[0]))
        elif verb == "leaves":
            await present.pop(name).leave()
        elif what == ["nothing"]:
            await present[name].echoes("ai-je manqué quelque chose ?")
        else:
            await present[name].hears(_text(NAMELESS.get(what[0], what[0])))


def _text(written: str) -> str:
    """Renvoie le texte d'un événement ; `str[10018]` est une longue réponse à `str[10000]`."""
    if not written.startswith("str["):
        return written
    length = int(written[4:-1])
    return "x" * length if length == 10000 else "<Anonymous troll> " + "x" * (length - 18)
