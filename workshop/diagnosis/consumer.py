"""Le consommateur tel qu'il est écrit : sa classe, ses méthodes, et ce que Python en pense."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from inspect import iscoroutinefunction

from workshop.diagnosis.routing import Layout, entrance
from workshop.diagnosis.rules import rule
from workshop.project.sources import Place

CALLED = {
    "connect": "self",
    "receive": "self, text_data=None, bytes_data=None",
    "disconnect": "self, code",
}
OWN = ("accept", "send", "close", "dispatch")
TROUBLED = {
    "group_add": "l'inscription au groupe n'a jamais lieu",
    "group_send": "la phrase ne part jamais vers le groupe",
    "group_discard": "la désinscription n'a jamais lieu",
    "accept": "la connexion n'est jamais acceptée",
    "send": "rien n'est envoyé",
    "close": "rien n'est fermé",
}


def consumers(case) -> list[type]:
    """Renvoie les consommateurs du projet auxquels mènent les routes."""
    if case.application is None:
        return []
    routes = Layout(case.application).routes or ()
    found = [getattr(getattr(one, "callback", None), "consumer_class", None) for one in routes]
    return [one for one in found if one and file_of(case, one)]


def file_of(case, one: type) -> str | None:
    """Renvoie le fichier du projet qui définit une classe, ou None si elle est d'ailleurs."""
    return case.project.relative(sys.modules[one.__module__].__file__ or "<>")


def class_nodes(case) -> Iterator[tuple[str, ast.ClassDef]]:
    """Donne le fichier et l'arbre de chaque consommateur du projet."""
    for one in consumers(case):
        file = file_of(case, one)
        for node in case.project.source(file).nodes:
            if isinstance(node, ast.ClassDef) and node.name == one.__name__:
                yield file, node


def functions(case, one: type) -> dict[str, object]:
    """Renvoie les méthodes qu'un consommateur définit dans le projet."""
    members = {name: inspect.unwrap(value) for name, value in inspect.getmembers(one, callable)}
    return {name: one for name, one in members.items() if place_of(case, one)}


def place_of(case, function) -> Place | None:
    """Renvoie l'endroit d'une fonction, ou None si le projet ne la définit pas."""
    code = getattr(function, "__code__", None)
    file = case.project.relative(code.co_filename) if code else None
    return Place(file, code.co_firstlineno, function.__name__) if file else None


def methods(case, *names: str) -> Iterator[tuple[type, object, Place]]:
    """Donne les méthodes de ces noms : leur classe, leur fonction, leur endroit."""
    for one in consumers(case):
        for name, function in functions(case, one).items():
            if name in names:
                yield one, function, place_of(case, function)


def handlers(case) -> set[str]:
    """Renvoie les noms des méthodes que Channels appelle, celles des événements comprises."""
    return {*CALLED, *(method(kind) for kind, _ in case.probe.events)}


def method(kind: str) -> str:
    """Renvoie le nom de la méthode qu'appelle un type d'événement."""
    return kind.replace(".", "_")


def mended(case, place: Place, pattern: str, new: str) -> str | None:
    """Renvoie la ligne d'un endroit, réparée ; None si le motif ne s'y trouve pas."""
    line = case.project.source(place.file).lines[place.line - 1]
    return re.sub(pattern, new, line, count=1) if re.search(pattern, line) else None


def is_sync(one: type) -> bool:
    from channels.consumer import SyncConsumer

    return issubclass(one, SyncConsumer)


@rule("AttributeError", r"type object '(?P<name>\w+)' has no attribute 'as_asgi'")
def not_a_consumer(case, error, name):
    """« {name} » n'est pas un consommateur : sa classe doit hériter d'AsyncWebsocketConsumer."""
    yield case.project.where_is(name) or error.place


@rule("AttributeError", r"(?:module '[\w.]+'|'\w+' object) has no attribute 'as_asgi'")
def not_a_class(case, error):
    """Ce n'est pas la classe du consommateur. Importez-la, et écrivez ChatConsumer.as_asgi()."""
    yield error.place


@rule(steps=range(4, 100))
def own_init(case):
    """Channels fabrique le consommateur sans argument, et attend ce que prépare sa propre classe.
    Retirez __init__ : rangez dans connect ce qu'il contient."""
    for _, function, place in methods(case, "__init__"):
        if "super" not in function.__code__.co_names or not _accepts(function, "self"):
            yield place


@rule(steps=range(4, 100))
def class_groups(case):
    """« groups », dans la classe, est une liste que Channels lit élément par élément ; un texte s'y
    lit lettre par lettre. Retirez cette ligne : connect s'inscrit déjà."""
    if any(isinstance(one.groups, str) for one in consumers(case)):
        yield from case.project.using("groups")


@rule(steps=range(4, 100))
def replaced(case):
    """Le projet remplace une méthode ou un attribut de Channels, qui ne peut plus servir."""
    for _, function, place in methods(case, *OWN):
        cause = f"""« {function.__name__} » est une méthode de Channels, et la vôtre la remplace.
        Donnez un autre nom à la vôtre, « chat_message » par exemple."""
        if "super" not in function.__code__.co_names:
            yield "replaced-method", place, cause
    for person in case.probe.consumers:
        for name in OWN if vars(person).keys() & {*OWN} else ():
            cause = f"« self.{name} = … » remplace la méthode de Channels. Choisissez un autre nom."
            for place in case.project.using(name) if name in vars(person) else ():
                yield "replaced-method", place, cause


@rule(steps=range(4, 100))
def wrong_signature(case):
    """Une méthode que Channels appelle n'a pas les bons paramètres."""
    for one, function, place in methods(case, *handlers(case)):
        name = function.__name__
        parameters = CALLED.get(name, "self, event")
        start = "def" if is_sync(one) else "async def"
        cause = f"""Channels appelle cette méthode lui-même, et lui donne toujours les mêmes
        arguments. Écrivez : {start} {name}({parameters}):"""
        if not _accepts(function, parameters):
            yield "wrong-signature", place, cause


def _accepts(function, parameters: str) -> bool:
    """Renvoie True si une fonction se laisse appeler avec ces paramètres."""
    names = parameters.split(", ")
    given = [name for name in names if "=" not in name]
    options = {name.partition("=")[0]: "" for name in names[:2] if "=" in name}
    try:
        inspect.signature(function).bind(*given, **options)
    except TypeError:
        return False
    return True


@rule(steps=range(4, 100))
def not_awaited(case):
    """Une coroutine a été préparée, et personne ne l'a attendue."""
    sync = any(map(is_sync, consumers(case)))
    case.probe  # noqa: B018  la conversation d'essai en trouve d'autres
    for verb, place in case.unawaited:
        effect = TROUBLED.get(verb, "son code n'est pas exécuté")
        cause = f"Il manque « await » devant cet appel à {verb} : {effect}."
        mend = mended(case, place, r"\b(?=self\.)", "await ")
        plain = [f for _, f, _ in methods(case, place.function) if not iscoroutinefunction(f)]
        if plain and not sync:
            mend = None
            cause = f"""« {place.function} » appelle une coroutine sans l'attendre : {effect}.
            Écrivez « async def {place.function} », et « await » devant cet appel."""
        elif sync and verb.startswith("group_"):
            mend = mended(case, place, rf"self\.channel_layer\.{verb}", r"async_to_sync(\g<0>)")
            cause = f"""Dans un WebsocketConsumer, la couche de canaux s'appelle par async_to_sync :
            async_to_sync(self.channel_layer.{verb})(…). Sans cela, {effect}."""
        yield "coroutine-not-awaited", place, cause, "", mend
        for caller in case.project.using(place.function) if plain else ():
            yield "coroutine-not-awaited", caller, cause


@rule("KeyError", r"'(?P<key>user|session|cookies)'")
def no_user(case, error, key):
    """Aucun étage ne cherche qui est là."""
    observed = f"Le scope n'a pas de clé « {key} » : aucun étage n'a cherché qui est là."
    for place in (*case.project.using("websocket"), entrance(case)):
        yield "no-auth-middleware", place, no_stack(case), observed


def no_stack(case) -> str:
    """Renvoie la phrase de l'étage qui manque."""
    imported = any("AuthMiddlewareStack" in source.names for source in case.project.sources)
    more = " Il est importé, mais il n'enveloppe pas les routes." if imported else ""
    return f"Il manque AuthMiddlewareStack autour de URLRouter, dans {entrance(case).file}.{more}"


@rule("KeyError", r"'(?P<key>[^']*)'")
def missing_key(case, error, key):
    """Une clé demandée à un dictionnaire ne s'y trouve pas."""
    line = case.project.source(error.place.file).line(error.place.line) if error.place.file else ""
    rooms = case.probe.rooms
    events = [call for kind, call in case.probe.events if method(kind) == error.place.function]
    same = "Employez le même nom des deux côtés."
    places, cause = [error.place], ""
    if events:
        places += [call.place for call in events if call.place]
        cause = f"L'événement contient : {_quoted(events[0].second('message'))}. {same}"
    elif key in rooms:
        cause = f'Le salon est plus loin dans le scope : self.scope["url_route"]["kwargs"]["{key}"]'
    elif "kwargs" in line:
        places += route_places(case)
        cause = f"La route nomme le salon {_quoted(rooms)}, et le consommateur « {key} ». {same}"
    observed = f"Le projet lève KeyError : il n'y a pas de clé « {key} » à cet endroit."
    for place in places if cause else ():
        yield "missing-key", place, cause, observed


def _quoted(keys) -> str:
    return ", ".join(f"« {key} »" for key in keys) or "rien"


def route_places(case) -> list[Place]:
    """Renvoie les lignes qui écrivent le motif d'une route de WebSocket."""
    routes = Layout(case.application).routes or () if case.application else ()
    return [place for one in routes for place in case.project.saying(str(one.pattern))]


@rule("SynchronousOnlyOperation")
def orm_in_async(case, error):
    """La base de données ne s'interroge pas directement dans une coroutine. Enveloppez l'appel dans
    database_sync_to_async, de channels.db."""
    yield error.place


@rule("RuntimeError", r"AsyncToSync in the same thread|asyncio\.run\(\) cannot|loop is already")
def async_to_sync(case, error):
    """Une boucle tourne déjà : dans une coroutine, écrivez « await » devant l'appel lui-même."""
    yield error.place


@rule("JSONDecodeError")
def json_expected(case, error):
    """Le consommateur attend du JSON, et le client parle en texte. Prenez AsyncWebsocketConsumer,
    et employez text_data tel quel."""
    yield from (error.place, *case.project.using("AsyncJsonWebsocketConsumer"))
