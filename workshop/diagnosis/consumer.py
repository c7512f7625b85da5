"""Le consommateur : ce qu'il attend, ce qu'il reçoit, ce qu'il dit, ce qu'il tait."""

import ast
import inspect
import re
import sys

from workshop.diagnosis.routing import Layout, entrance
from workshop.project.sources import Place, closest

CALLED = {
    "connect": ("async def connect(self)", (), {}),
    "receive": (
        "async def receive(self, text_data=None, bytes_data=None)",
        (),
        {"text_data": ""},
    ),
    "disconnect": ("async def disconnect(self, code)", (1000,), {}),
}
OWN = ("accept", "send", "close", "dispatch")
LAYER = ("group_add", "group_send", "group_discard")
TROUBLED = {
    "group_add": "l'inscription au groupe n'a jamais lieu",
    "group_send": "la phrase ne part jamais vers le groupe",
    "group_discard": "la désinscription n'a jamais lieu",
    "accept": "la connexion n'est jamais acceptée",
    "send": "rien n'est envoyé",
    "close": "rien n'est fermé",
}


def consumer_classes(case) -> list[type]:
    """Renvoie les consommateurs du projet auxquels mènent les routes."""
    if case.application is None:
        return []
    found = []
    for route in Layout(case.application).routes or ():
        one = getattr(getattr(route, "callback", None), "consumer_class", None)
        if one and _file(case, one):
            found.append(one)
    return found


def functions(case, one: type) -> dict[str, object]:
    """Renvoie les méthodes qu'un consommateur définit dans le projet."""
    found = {}
    for name in dir(one):
        function = (
            inspect.unwrap(getattr(one, name, None)) if callable(getattr(one, name, None)) else None
        )
        code = getattr(function, "__code__", None)
        if code and case.project.relative(code.co_filename):
            found[name] = function
    return found


def place_of(case, function) -> Place:
    code = inspect.unwrap(function).__code__
    return Place(
        case.project.relative(code.co_filename) or "", code.co_firstlineno, function.__name__
    )


def is_sync(one: type) -> bool:
    from channels.consumer import SyncConsumer

    return issubclass(one, SyncConsumer)


def not_a_consumer(case):
    """La classe au bout de la route n'hérite pas d'un consommateur."""
    error, found = case.find("AttributeError", r"type object '(\w+)' has no attribute 'as_asgi'")
    if error:
        other = case.project.where_is(found[1])
        return case.says(
            "not-a-consumer",
            f"« {found[1]} » n'est pas un consommateur : sa classe doit hériter "
            "d'AsyncWebsocketConsumer.",
            other or error.place,
        )
    error, found = case.find(
        "AttributeError", r"(?:module '([\w.]+)'|'(\w+)' object) has no attribute 'as_asgi'"
    )
    if error:
        return case.says(
            "not-a-consumer",
            "Ce n'est pas la classe du consommateur. Importez-la, et écrivez "
            "ChatConsumer.as_asgi().",
            error.place,
        )
    return None


def mixed_sync(case):
    """Une méthode ordinaire là où Channels attend une coroutine, ou l'inverse."""
    for one in consumer_classes(case):
        handlers = {
            name.replace(".", "_") for name in (case.probe.dispatched if case.probe else ())
        }
        for name, function in functions(case, one).items():
            if name not in CALLED and name not in handlers:
                continue
            place = place_of(case, function)
            if is_sync(one):
                if inspect.iscoroutinefunction(function):
                    return case.says(
                        "async-in-sync",
                        f"{one.__name__} hérite de WebsocketConsumer, dont les méthodes ne sont "
                        f"pas des coroutines : « {name} » n'est jamais exécutée. Héritez "
                        "d'AsyncWebsocketConsumer.",
                        place,
                    )
            elif not inspect.iscoroutinefunction(function) and case.find("TypeError", "await")[0]:
                return case.says(
                    "not-async",
                    f"« {name} » est une fonction ordinaire, et Channels attend une coroutine. "
                    f"Écrivez « async def {name} ».",
                    place,
                )
    return None


def decorated(case):
    """Une méthode du consommateur porte un décorateur de vue."""
    error, _ = case.find(
        "AttributeError", r"object has no attribute '(a?user|method|META|GET|build_absolute_uri)'"
    )
    if not error or error.place.file:
        return None
    for source in case.project.sources:
        for node in source.nodes:
            if (
                isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
                and node.name in CALLED
                and node.decorator_list
            ):
                return case.says(
                    "view-decorator",
                    "Ce décorateur est fait pour les vues : il prend le consommateur pour une "
                    'requête. Retirez-le ; qui est là se lit dans self.scope["user"].',
                    Place(source.name, node.decorator_list[0].lineno),
                )
    return None


def own_init(case):
    """Le consommateur a son propre __init__, que Channels ne sait pas appeler."""
    for one in consumer_classes(case):
        function = functions(case, one).get("__init__")
        blamed = any(
            "__init__" in error.message
            or "'groups'" in error.message
            or error.place.function == "__init__"
            for error in case.errors
        )
        if function and (blamed or "super" not in function.__code__.co_names):
            return case.says(
                "own-init",
                "Channels fabrique le consommateur sans argument, et attend ce que prépare sa "
                "propre classe. Retirez __init__ : rangez dans connect ce qu'il contient.",
                place_of(case, function),
            )
    return None


def class_groups(case):
    """L'attribut de classe `groups` est un texte."""
    for one in consumer_classes(case):
        if isinstance(one.groups, str):
            return case.says(
                "class-groups",
                "« groups », dans la classe, est une liste que Channels lit élément par élément ; "
                "un texte s'y lit lettre par lettre. Retirez cette ligne : connect s'inscrit déjà.",
                _class_attribute(case, one, "groups"),
            )
    return None


def _class_attribute(case, one: type, name: str) -> Place:
    place = _class_place(case, one)
    for node in case.project.source(place.file).nodes:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return Place(place.file, node.lineno)
    return place


def bad_event(case):
    """Ce que l'on envoie au groupe n'est pas un événement."""
    for call in case.called("group_send"):
        event = call.second("message")
        if not isinstance(event, dict):
            return case.says(
                "not-an-event",
                'Le second argument de group_send est un dictionnaire : {"type": "chat.message", '
                '"text": …}.',
                call.place,
                f"On envoie au groupe {event!r}, et non un événement.",
            )
    return None


def wrong_signature(case):
    """Une méthode que Channels appelle n'a pas les bons paramètres."""
    error, found = case.find(
        "TypeError", r"(\w+)\(\) (?:takes|missing|got an unexpected keyword|got multiple)"
    )
    if not error:
        return None
    for one in consumer_classes(case):
        defined = functions(case, one)
        function = defined.get(found[1])
        if function is None:
            continue
        shown, arguments, options = CALLED.get(
            found[1], (f"async def {found[1]}(self, event)", ({},), {})
        )
        try:
            inspect.signature(function).bind(None, *arguments, **options)
        except TypeError:
            shown = shown.removeprefix("async ") if is_sync(one) else shown
            return case.says(
                "wrong-signature",
                "Channels appelle cette méthode lui-même, et lui donne toujours les mêmes "
                f"arguments. Écrivez : {shown}:",
                place_of(case, function),
            )
    return None


def wrong_call(case):
    """Une fonction connue est appelée avec de mauvais arguments."""
    error, found = case.find(
        "TypeError",
        r"(?:(\w+)\.)?(\w+)\(\) (takes|missing|got an unexpected keyword argument|got "
        r"multiple)(?: '(\w+)')?",
    )
    if not error or not error.place.file:
        return None
    name = found[2]
    shown = {
        "send": "self.send(texte), ou self.send(text_data=texte)",
        "accept": "self.accept()",
        "group_add": "group_add(groupe, self.channel_name)",
        "group_discard": "group_discard(groupe, self.channel_name)",
        "group_send": 'group_send(groupe, {"type": …, "text": …})',
        "get_full_name": "user.get_full_name()",
        "as_asgi": "ChatConsumer.as_asgi()",
    }.get(name)
    if not shown:
        return None
    return case.says(
        "wrong-call", f"« {name} » ne s'appelle pas ainsi. Écrivez : {shown}", error.place
    )


def replaced_method(case):
    """Une méthode du projet remplace celle de Channels, qui ne peut plus servir."""
    error, _ = case.find("RecursionError|TypeError|AttributeError")
    silent = case.probe and case.probe.answer != "accept"
    for one in consumer_classes(case):
        for name, function in functions(case, one).items():
            if name in OWN and "super" not in function.__code__.co_names and (error or silent):
                return case.says(
                    "replaced-method",
                    f"« {name} » est une méthode de Channels, et la vôtre la remplace. Donnez un "
                    "autre nom à la vôtre, « chat_message » par exemple.",
                    place_of(case, function),
                )
        for name in ("channel_layer", "channel_name", "scope", *OWN):
            for person in case.probe.consumers if case.probe else ():
                value = vars(person).get(name)
                if name in OWN and value is not None:
                    return case.says(
                        "replaced-method",
                        f"« self.{name} = … » remplace la méthode de Channels. Choisissez un "
                        "autre nom d'attribut.",
                        _assignment(case, one, name),
                    )
                if name == "channel_layer" and isinstance(value, str | dict):
                    return case.says(
                        "replaced-method",
                        f"« self.{name} = … » remplace l'attribut de Channels. Choisissez un "
                        "autre nom.",
                        _assignment(case, one, name),
                    )
    return None


def not_awaited(case):
    """Une coroutine a été préparée, et personne ne l'a attendue."""
    case.probe  # noqa: B018  la conversation d'essai en trouve d'autres
    for name, place in sorted(case.unawaited, key=lambda found: found[0].endswith("group_discard")):
        verb = name.rpartition(".")[2]
        if verb == "group_discard" and case.goal != "test_departure":
            continue
        effect = TROUBLED.get(verb, "son code n'est pas exécuté")
        function = _function_at(case, place)
        if isinstance(function, ast.FunctionDef):
            sync = any(is_sync(one) for one in consumer_classes(case))
            if sync and verb in LAYER:
                return case.says(
                    "async-to-sync-missing",
                    "Dans un WebsocketConsumer, la couche de canaux s'appelle par "
                    f"async_to_sync : async_to_sync(self.channel_layer.{verb})(…). Sans cela, "
                    f"{effect}.",
                    place,
                )
            return case.says(
                "not-async",
                f"« {function.name} » appelle une coroutine sans l'attendre : {effect}. Écrivez "
                f"« async def {function.name} », et « await » devant cet appel.",
                place,
            )
        return case.says(
            "coroutine-not-awaited",
            f"Il manque « await » devant cet appel à {verb} : {effect}.",
            place,
        )
    return None


def bad_await(case):
    """`await` devant autre chose qu'une coroutine, ou un appel à ce qui ne s'appelle pas."""
    error, found = case.find(
        # La seconde forme est celle de Python 3.14.
        "TypeError",
        r"object (?P<kind>[\w.]+) can't be used in 'await'"
        r"|'(?P<other>[\w.]+)' object can't be awaited",
    )
    kind = found and (found["kind"] or found["other"])
    if error and error.place.file and kind in ("method", "function", "builtin_function_or_method"):
        return case.says(
            "not-called",
            "Il manque les parenthèses : « await » attend l'appel, et non la fonction.",
            error.place,
        )
    if error and error.place.file:
        return case.says(
            "nothing-to-await",
            f"« await » est devant quelque chose qui n'est pas une coroutine ({kind}). "
            "Retirez cet « await ».",
            error.place,
        )
    error, found = case.find("TypeError", r"'([\w.]+)' object is not callable")
    if error and error.place.file:
        what = _called_at(case, error)
        if what and what.endswith("is_authenticated"):
            return case.says(
                "called-property",
                "« is_authenticated » n'est plus une méthode : retirez les parenthèses.",
                error.place,
            )
        shown = f"« {what} »" if what else "Ce que l'on appelle ici"
        kind = {
            "str": "un texte",
            "dict": "un dictionnaire",
            "bool": "True ou False",
            "NoneType": "None",
            "list": "une liste",
            "tuple": "un tuple",
            "int": "un nombre",
        }.get(found[1], found[1])
        return case.says(
            "not-callable",
            f"{shown} est {kind}, et non une fonction : retirez les parenthèses, ou vérifiez la "
            "virgule qui précède.",
            error.place,
        )
    error, found = case.find("TypeError", r"bad operand type for unary ([+-]): '(\w+)'")
    if error and error.place.file:
        return case.says(
            "pasted-diff",
            f"Le « {found[1]} » du début vient d'une différence : il dit d'ajouter la ligne, et "
            "ne s'écrit pas. Retirez-le.",
            error.place,
        )
    return None


def missing_key(case):
    """Une clé demandée à un dictionnaire ne s'y trouve pas."""
    error, found = case.find("KeyError", r"'?([^']*)'?")
    if not error or not error.place.file:
        return None
    key, place = found[1], error.place
    container = _container(case, error, key)
    if key == "user" and "path" in (container or {"path"}):
        return no_user(case)
    observed = f"Le projet lève KeyError : il n'y a pas de clé « {key} » à cet endroit."
    if key == "session":
        return case.says(
            "no-session",
            "Aucun étage ne lit la session. AuthMiddlewareStack, dans live/asgi.py, enveloppe "
            "URLRouter.",
            place,
            observed,
        )
    if isinstance(container, dict):
        keys = ", ".join(f"« {each} »" for each in container) or "aucune"
        near = closest(key, [each for each in container if isinstance(each, str)])
        if "url_route" in container and key in container.get("url_route", {}).get("kwargs", {}):
            return case.says(
                "missing-key",
                "Le salon est plus loin dans le scope : "
                f'self.scope["url_route"]["kwargs"]["{key}"]',
                place,
                observed,
            )
        if error.place.file and any(
            container is person.scope.get("url_route", {}).get("kwargs")
            or container == person.scope.get("url_route", {}).get("kwargs")
            for person in (case.probe.consumers if case.probe else ())
        ):
            return case.says(
                "missing-key",
                f"La route nomme le salon {keys}, et cette ligne « {key} ». Employez le même nom "
                "des deux côtés.",
                place,
                observed,
            )
        if set(container) == {"args", "kwargs"}:
            return case.says(
                "missing-key",
                f'Il manque un niveau : self.scope["url_route"]["kwargs"]["{key}"]',
                place,
                observed,
            )
        if "type" in container and "path" in container:
            return case.says(
                "missing-key",
                f"Le scope ne contient pas « {key} ». Il contient : {keys}.",
                place,
                observed,
            )
        cause = f"Ce dictionnaire contient : {keys}. Employez le même nom des deux côtés."
        if near:
            cause = f"La clé la plus proche est « {near} ». Employez le même nom des deux côtés."
        return case.says("missing-key", cause, place, observed)
    return case.says(
        "missing-key",
        "Vérifiez le nom de cette clé, et l'endroit où elle est écrite dans le dictionnaire.",
        place,
        observed,
    )


def no_user(case):
    """Aucun étage ne cherche qui est là."""
    layout = Layout(case.application) if case.application else None
    where = entrance(case)
    observed = "Le scope n'a pas de clé « user » : aucun étage n'a cherché qui est là."
    more = ""
    if any("AuthMiddlewareStack" in source.names for source in case.project.sources):
        more = " Il est importé, mais il n'enveloppe pas les routes."
    if layout and layout.protocols and "websocket" in layout.protocols:
        from workshop.diagnosis.routing import line_of

        where = line_of(case, where, "websocket")
    return case.says(
        "no-auth-middleware",
        "Il manque AuthMiddlewareStack autour de URLRouter, dans "
        f"{where.file or 'live/asgi.py'}.{more}",
        where,
        observed,
    )


def spoke_too_soon(case):
    """Le consommateur parle avant d'avoir accepté, ou sans accepter."""
    early = case.probe and case.probe.answer == "early"
    error, _ = case.find("ValueError", "Socket has not been accepted")
    if not early and not error:
        return None
    sends = case.called("send")
    place = sends[0].place if sends else error and error.place
    observed = "Le consommateur parle avant d'avoir accepté la connexion."
    written = [
        Place(source.name, node.lineno)
        for source in case.project.sources
        for node in source.nodes
        if isinstance(node, ast.Attribute) and node.attr == "accept"
    ]
    if written and any(call.place is None for call in case.probe.called("accept")):
        return case.says(
            "accept-in-task",
            "« accept » est confié à une tâche, qui s'exécute plus tard. Écrivez « await "
            "self.accept() ».",
            written[0],
            observed,
        )
    if written:
        return case.says(
            "send-before-accept",
            "On ne parle qu'après avoir accepté : déplacez « await self.accept() » avant le "
            "premier "
            "envoi.",
            place,
            observed,
        )
    return case.says(
        "never-accepted",
        "Rien n'accepte la connexion : il manque « await self.accept() » dans connect.",
        place,
        observed,
    )


def double_accept(case):
    """La connexion est acceptée deux fois."""
    accepts = case.called("accept")
    people = len(case.probe.consumers) if case.probe else 0
    if people and len(accepts) > people and [*case.probe.errors, case.error]:
        super_call = any(call.place is None for call in accepts)
        cause = "La connexion est acceptée deux fois."
        place = accepts[1].place or accepts[0].place
        if super_call or any(
            "super()" in case.project.source(call.place.file).line(call.place.line)
            for call in accepts
            if call.place
        ):
            cause += " « super().connect() » accepte déjà : retirez-le."
            place = next(
                (
                    call.place
                    for call in accepts
                    if call.place
                    and "super()" in case.project.source(call.place.file).line(call.place.line)
                ),
                place,
            )
        else:
            cause += " Gardez un seul « await self.accept() »."
        return case.says("double-accept", cause, place)
    return None


def no_handler(case):
    """Un événement arrive, et aucune méthode ne porte son nom."""
    error, found = case.find("ValueError", r"No handler for message type (.*)")
    if not error:
        error, _ = case.find("ValueError", r"Incoming message has no 'type' attribute")
        if error:
            return case.says(
                "no-type",
                "L'événement envoyé au groupe n'a pas de clé « type » : c'est elle qui nomme la "
                "méthode à appeler.",
                _sent(case),
            )
        error, found = case.find("ValueError", r"Malformed type name")
        if error:
            return case.says(
                "bad-type",
                "Un type ne commence pas par un souligné. Prenez « chat.message ».",
                _sent(case),
            )
        return None
    kind = found[1].strip()
    wanted = kind.replace(".", "_")
    observed = f"Un événement de type « {kind} » arrive, et aucune méthode ne le reçoit."
    if kind.startswith("websocket."):
        return case.says(
            "no-handler",
            f"Le type « {kind} » n'est pas d'un chat. Donnez à l'événement un type à vous, "
            "« chat.message », et écrivez la méthode chat_message.",
            _sent(case),
            observed,
        )
    if not wanted.isidentifier():
        return case.says(
            "bad-type",
            f"Un type devient un nom de méthode, et « {kind} » n'en est pas un. Écrivez « "
            "chat.message ».",
            _sent(case),
            observed,
        )
    classes = consumer_classes(case)
    for source in case.project.sources:
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == wanted:
                return case.says(
                    "outside-class",
                    f"« {wanted} » existe, mais pas dans la classe : alignez son « def » sur ceux "
                    "des autres méthodes.",
                    Place(source.name, node.lineno),
                    observed,
                )
    for one in classes:
        methods = functions(case, one)
        taken = {*CALLED, *(other.replace(".", "_") for other in case.probe.dispatched)}
        others = {
            name: function
            for name, function in methods.items()
            if name not in taken and not name.startswith("__")
        }
        near = closest(wanted, others) or (next(iter(others)) if len(others) == 1 else None)
        if near:
            return case.says(
                "no-handler",
                f"Le type « {kind} » appelle la méthode {wanted} ; la vôtre s'appelle {near}. "
                "Donnez-leur le même nom, le point devenant un souligné.",
                place_of(case, others[near]),
                observed,
            )
    return case.says(
        "no-handler",
        f"Le type « {kind} » appelle la méthode {wanted}, qui n'existe pas encore. Écrivez-la "
        f"dans la classe : async def {wanted}(self, event):",
        _sent(case, kind),
        observed,
    )


def bad_group_name(case):
    """La couche de canaux refuse le nom du groupe ou du canal."""
    error, _ = case.find("TypeError", r"(?:Group|Channel) name must be")
    if not error:
        return None
    calls = [call for call in case.called(*LAYER) if not _valid(call.first)]
    name = calls[0].first if calls else None
    place = (calls[0].place if calls else None) or error.place
    if isinstance(name, str) and "!" in name and name.startswith("specific"):
        return case.says(
            "swapped-arguments",
            "Les deux arguments sont échangés : d'abord le groupe, puis self.channel_name.",
            place,
            "Le premier argument est l'adresse d'un consommateur, et non un nom de groupe.",
        )
    if name is None:
        return (
            case.says(
                "group-name",
                "Le nom du groupe vaut None : la ligne qui le fabrique n'a pas été exécutée.",
                place,
            )
            if calls
            else case.says(
                "group-name",
                "Un nom de groupe n'a que des lettres sans accent, des chiffres, des tirets, des "
                "points et des soulignés, et moins de cent caractères.",
                place,
            )
        )
    if not isinstance(name, str):
        return case.says(
            "group-name", f"Le nom du groupe est {type(name).__name__}, et non un texte.", place
        )
    wrong = sorted({char for char in name if not re.match(r"[a-zA-Z0-9\-_.]", char)})
    shown = ", ".join("une espace" if char == " " else f"« {char} »" for char in wrong)
    observed = f"Le groupe s'appelle « {name} », et la couche de canaux refuse {shown}."
    for person in case.probe.consumers:
        for room in person.scope.get("url_route", {}).get("kwargs", {}).values():
            if any(char in str(room) for char in wrong):
                return case.says(
                    "route-too-wide",
                    f"La route a pris « {room} » pour le nom du salon. Bornez son motif : "
                    "[-a-zA-Z0-9_]{1,90} entre « chat/ » et la barre finale.",
                    _first_route(case),
                    observed,
                )
    return case.says(
        "group-name",
        "N'employez que des lettres sans accent, des chiffres, des tirets, des points et des "
        "soulignés, moins de cent en tout.",
        literal(case, name, place),
        observed,
    )


def _first_route(case) -> Place | None:
    from workshop.diagnosis.routing import route_place

    routes = Layout(case.application).routes
    return route_place(case, routes[0]) if routes else None


def bad_content(case):
    """Ce que l'on envoie n'est pas un texte."""
    error, _ = case.find("AttributeError", r"'(\w+)' object has no attribute 'encode'")
    if not error:
        error, _found = case.find(
            "TypeError|AssertionError|ValueError",
            r"(?:expected|must be) (?:str|string|a string|bytes).*?(?:not|got) '?(\w+)|You must "
            r"pass one of bytes_data or text_data|Object of type (\w+) is not JSON",
        )
    if not error and "et non un texte" not in case.said:
        return None
    sends = case.called("send")
    bad = next((call for call in sends if not isinstance(call.first, str)), None)
    place = (bad.place if bad else None) or (error.place if error else Place(""))
    if not place.file:
        return None
    value = bad.first if bad else None
    if isinstance(value, dict):
        keys = ", ".join(f"« {key} »" for key in value)
        return case.says(
            "not-text",
            "On envoie l'événement entier, un dictionnaire ; le visiteur attend un texte. Il "
            f'contient : {keys}. Envoyez event["text"].',
            place,
        )
    if value is None:
        return case.says("not-text", "On envoie None : self.send reçoit le texte à dire.", place)
    return case.says(
        "not-text",
        f"On envoie {type(value).__name__} ; le visiteur attend un texte. Écrivez str(…), ou un "
        "texte qui commence par f.",
        place,
    )


def known_errors(case):
    """Des exceptions qui n'ont qu'une cause."""
    for kind, pattern, code, cause in (
        (
            "SynchronousOnlyOperation",
            "",
            "orm-in-async",
            "La base de données ne s'interroge pas directement dans une coroutine. Enveloppez "
            "l'appel dans database_sync_to_async, de channels.db.",
        ),
        (
            "RuntimeError",
            "AsyncToSync in the same thread",
            "async-to-sync",
            "Dans une coroutine, async_to_sync ne sert pas : écrivez « await » devant l'appel "
            "lui-même.",
        ),
        (
            "RuntimeError",
            r"asyncio\.run\(\) cannot be called|loop is already running",
            "async-to-sync",
            "Une boucle tourne déjà : dans une coroutine, écrivez « await » devant l'appel.",
        ),
        (
            "JSONDecodeError",
            "",
            "json",
            "Le consommateur attend du JSON, et le client parle en texte. Prenez "
            "AsyncWebsocketConsumer, et employez text_data tel quel.",
        ),
        (
            "OperationalError",
            r"no such table: (\S+)",
            "no-table",
            "Cette table n'existe pas. Dans le terminal « projet », tapez : python manage.py "
            "migrate",
        ),
        (
            "RecursionError",
            "",
            "recursion",
            "Cette fonction s'appelle elle-même sans fin. Vérifiez le nom de ce qu'elle appelle.",
        ),
        (
            "StopConsumer",
            "",
            "stop-consumer",
            "StopConsumer arrête le consommateur. Retirez cette ligne.",
        ),
        (
            "DenyConnection|AcceptConnection|InvalidChannelLayerError",
            "",
            "exception",
            "Cette exception est de Channels ; retirez la ligne qui la lève.",
        ),
        (
            "AppRegistryNotReady",
            "",
            "import-order",
            "Ce fichier se sert de Django avant qu'il soit prêt. Dans live/asgi.py, l'import du "
            "chat vient après get_asgi_application().",
        ),
        (
            "RuntimeError",
            "Database access not allowed",
            "database",
            "Le consommateur interroge la base de données, dont le chat n'a pas besoin à cette "
            "étape.",
        ),
    ):
        error, _ = case.find(kind, pattern)
        if error and error.place.file:
            return case.says(code, cause, error.place)
    error, _found = case.find("NotImplementedError|Exit|SystemExit", "")
    if error and error.place.file:
        return case.says(
            "raised",
            "Votre code lève lui-même cette exception. Retirez cette ligne, ou dites quand elle "
            "doit agir.",
            error.place,
        )
    return None


def handshake_silence(case):
    """La poignée de main n'a pas de réponse."""
    if not case.probe or case.probe.answer != "silence":
        return None
    if case.probe.waiting:
        place = case.probe.waiting
        return case.says(
            "waits-forever",
            f"« {place.function} » attend encore à cette ligne, et n'accepte donc pas. Acceptez "
            "d'abord, ou retirez cette attente.",
            place,
        )
    for one in consumer_classes(case):
        found = _misnamed(case, one, "connect")
        if found:
            return found
        connect = functions(case, one).get("connect")
        if connect and not case.probe.called("accept"):
            return case.says(
                "never-accepted",
                "connect se termine sans accepter : il manque « await self.accept() », ou il "
                "n'est pas exécuté.",
                place_of(case, connect),
            )
    return None


def closed_by_project(case):
    """Le consommateur ferme la connexion lui-même."""
    closes = case.called("close")
    if not closes or not closes[0].place or not re.search(r"refuse|ferme|403", case.said):
        return None
    return case.says(
        "closed",
        "Cette ligne ferme la connexion. Retirez-la, ou dites dans quel cas elle doit agir.",
        closes[0].place,
    )


def no_welcome(case):
    """La connexion s'ouvre, et personne n'est salué."""
    probe = case.probe
    if (
        not probe
        or probe.answer != "accept"
        or probe.heard.get("Ada")
        or case.goal == "test_origin"
        or case.number < 5
    ):
        return None
    if (
        case.goal not in ("test_welcome", "test_real_server", "test_transcript")
        and "Bienvenue" not in case.said
    ):
        return None
    for one in consumer_classes(case):
        if found := _misnamed(case, one, "connect"):
            return found
        connect = functions(case, one).get("connect")
        place = place_of(case, connect) if connect else None
        if probe.waiting:
            return case.says(
                "waits-forever",
                "Le consommateur attend encore à cette ligne, et ne salue pas.",
                probe.waiting,
            )
        if not probe.called("send"):
            return case.says(
                "no-welcome",
                "connect accepte, et n'envoie rien. Après « await self.accept() », il faut "
                "« await self.send(…) », dans la même méthode.",
                place,
            )
    return None


def no_echo(case):
    """On parle, et rien ne revient."""
    probe = case.probe
    if not probe or probe.answer != "accept" or probe.errors or case.number < 5:
        return None
    echoes = [text for text in probe.heard.get("Ada", [])[1:] if "Salut les gens" in str(text)]
    joined, sent = probe.called("group_add"), probe.called("group_send")
    after = [text for text in probe.heard.get("Blaise", []) if "Salut les gens" in str(text)]
    if echoes and after:
        return None
    for one in consumer_classes(case):
        if found := _misnamed(case, one, "receive"):
            return found
        receive = functions(case, one).get("receive")
        place = place_of(case, receive) if receive else None
        if receive is None:
            return case.says(
                "no-receive",
                "Le consommateur n'a pas de méthode receive : ce que l'on dit n'arrive nulle "
                "part. Écrivez-la dans la classe.",
                _class_place(case, one),
            )
        if echoes and not sent:
            return case.says(
                "echo-only",
                "receive répond à celui qui parle, et à lui seul. Confiez la phrase au groupe, "
                "par group_send.",
                probe.called("send")[-1].place,
            )
        direct = [call for call in probe.called("channel_send") if call.place]
        if not sent and direct:
            return case.says(
                "send-to-channel",
                "channel_layer.send parle à un seul consommateur. Pour tout un groupe, c'est "
                "group_send.",
                direct[0].place,
            )
        if not sent and not echoes:
            if probe.waiting:
                return case.says(
                    "waits-forever",
                    f"« {probe.waiting.function} » attend encore à cette ligne.",
                    probe.waiting,
                )
            if probe.called("send") and len(probe.called("send")) > len(probe.consumers):
                return None
            return case.says(
                "receive-says-nothing",
                "receive est appelée, et n'envoie rien. Vérifiez son décalage et ses conditions.",
                place,
            )
        if not joined:
            return case.says(
                "no-group-add",
                "Personne n'est inscrit au groupe : il manque « await "
                "self.channel_layer.group_add(self.group, self.channel_name) » dans connect.",
                sent[0].place,
            )
        group, target = joined[0].first, sent[0].first
        if group != target:
            return case.says(
                "other-group",
                f"On s'inscrit au groupe « {group} », et l'on parle au groupe « {target} ». "
                "Employez le même nom.",
                sent[0].place,
            )
        channels = [call.second("channel") for call in joined]
        if any(not isinstance(channel, str) or "!" not in channel for channel in channels):
            return case.says(
                "not-a-channel",
                f"Le second argument de group_add est « {channels[0]} », qui n'est pas l'adresse "
                "d'un consommateur. Donnez self.channel_name.",
                joined[0].place,
            )
        discards = probe.called("group_discard")
        if discards and probe.calls.index(discards[0]) < probe.calls.index(sent[0]):
            return case.says(
                "discarded-early",
                "On est rayé du groupe avant d'avoir parlé. group_discard a sa place dans "
                "disconnect.",
                discards[0].place,
            )
        event = sent[0].second("message")
        kind = event.get("type", "") if isinstance(event, dict) else ""
        handler = functions(case, one).get(kind.replace(".", "_"))
        if handler and kind in probe.dispatched:
            return case.says(
                "handler-says-nothing",
                f"« {handler.__name__} » reçoit l'événement, et n'envoie rien au visiteur. Il "
                'faut y écrire « await self.send(event["text"]) ».',
                place_of(case, handler),
            )
    return None


def empty_text(case):
    """Une phrase vide n'est pas répétée."""
    expected = getattr(case.error, "expected", None)
    if (
        expected is None
        or not expected.endswith("> ")
        or getattr(case.error, "heard", "") is not None
    ):
        return None
    for one in consumer_classes(case):
        if receive := functions(case, one).get("receive"):
            return case.says(
                "empty-text",
                "Une phrase vide se répète aussi, comme en 2016. Retirez de receive la condition "
                "qui l'arrête.",
                place_of(case, receive),
            )
    return None


def defined_twice(case):
    """Une méthode est définie deux fois : la seconde remplace la première."""
    for one in consumer_classes(case):
        file = _file(case, one)
        for node in case.project.source(file).nodes:
            if isinstance(node, ast.ClassDef) and node.name == one.__name__:
                seen = {}
                for child in node.body:
                    if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                        if child.name in seen and child.name != "__init__":
                            return case.says(
                                "defined-twice",
                                f"« {child.name} » est définie deux fois, lignes "
                                f"{seen[child.name]} et {child.lineno} : la seconde remplace la "
                                "première. Gardez-en une.",
                                Place(file, child.lineno),
                            )
                        seen[child.name] = child.lineno
    return None


def not_a_room(case):
    """Une adresse qui n'est pas un salon est ouverte."""
    found = re.search(r"Le projet ouvre (\S+(?: b/)?)", case.observed)
    if case.goal != "test_not_a_room" or not found or case.application is None:
        return None
    routes = Layout(case.application).routes or ()
    path = found[1].rstrip(",").lstrip("/")
    from workshop.diagnosis.routing import matches, pattern_of, route_place, target_of

    for route in routes:
        if matches(route, path) and target_of(route) != "WebsocketDenier":
            pattern = pattern_of(route)
            advice = "Bornez le motif : [-a-zA-Z0-9_]{1,90} entre « chat/ » et la barre finale"
            if path.startswith("chat/") and "group" in str(
                [call.name for call in case.probe.calls] if case.probe else ""
            ):
                advice += ", et inscrivez-vous au groupe avant d'accepter"
            return case.says(
                "route-too-wide",
                f"Le motif « {pattern} » accepte ce chemin. {advice}.",
                route_place(case, route),
            )
    return None


def departure(case):
    """Le départ de quelqu'un dérange."""
    if case.goal != "test_departure":
        return None
    for error in case.errors:
        if error.place.function == "disconnect":
            return case.says(
                "disconnect-raises",
                f"disconnect lève {error.shown}. Ce dont elle se sert doit exister depuis connect.",
                error.place,
            )
    return None


def _misnamed(case, one: type, wanted: str):
    """Le diagnostic d'une méthode mal nommée, hors de la classe ou dans une autre."""
    methods = functions(case, one)
    if wanted in methods:
        return None
    near = closest(wanted, methods)
    if not near:
        starts = [name for name in methods if wanted[:4] in name and name not in CALLED]
        near = starts[0] if starts else None
    if near and near not in CALLED:
        return case.says(
            "misnamed-method",
            f"Channels appelle « {wanted} », et votre méthode s'appelle « {near} ». Donnez-lui le "
            "nom que Channels connaît.",
            place_of(case, methods[near]),
        )
    for source in case.project.sources:
        for node in source.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == wanted:
                return case.says(
                    "outside-class",
                    f"« {wanted} » n'est pas une méthode de {one.__name__} : son décalage la met "
                    "ailleurs. Alignez son « def » sur ceux des autres méthodes de la classe.",
                    Place(source.name, node.lineno),
                )
    return None


def _file(case, one: type) -> str | None:
    """Renvoie le fichier du projet qui définit une classe, ou None si elle est d'ailleurs."""
    return case.project.relative(sys.modules[one.__module__].__file__ or "<>")


def _class_place(case, one: type) -> Place:
    file = _file(case, one)
    return Place(file, case.project.source(file).names.get(one.__name__))


def _assignment(case, one: type, name: str) -> Place:
    file = _file(case, one)
    for node in case.project.source(file).nodes:
        if (
            isinstance(node, ast.Attribute)
            and node.attr == name
            and isinstance(node.ctx, ast.Store)
        ):
            return Place(file, node.lineno)
    return Place(file)


def _sent(case, kind: str = "") -> Place | None:
    """Renvoie la ligne qui envoie un événement de ce type au groupe, sinon la première."""
    sent = case.called("group_send")
    for call in sent:
        event = call.second("message")
        if kind and isinstance(event, dict) and event.get("type") == kind:
            return call.place
    return sent[0].place if sent else None


def _valid(name) -> bool:
    return (
        isinstance(name, str) and len(name) < 100 and bool(re.fullmatch(r"[a-zA-Z0-9\-_.]+", name))
    )


def _function_at(case, place: Place):
    """Renvoie la fonction la plus proche qui contient une ligne."""
    found = None
    for node in case.project.source(place.file).nodes:
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.lineno <= place.line <= node.end_lineno
        ):
            found = node if found is None or node.lineno >= found.lineno else found
    return found


def _called_at(case, error) -> str | None:
    """Renvoie l'expression que cette ligne appelle et qui n'est pas une fonction."""
    source = case.project.source(error.place.file)
    calls = [
        node
        for node in source.nodes
        if isinstance(node, ast.Call) and node.lineno <= error.place.line <= node.end_lineno
    ]
    frame = _frame(error)
    for node in calls:
        text = ast.unparse(node.func)
        if frame is not None:
            try:
                value = eval(text, frame.f_globals, frame.f_locals)
            except Exception:
                continue
            if not callable(value):
                return text
    return None


def _container(case, error, key: str):
    """Renvoie le dictionnaire auquel cette ligne a demandé une clé absente, ou None."""
    frame = _frame(error)
    if frame is None:
        return None
    for node in case.project.source(error.place.file).nodes:
        if isinstance(node, ast.Subscript) and node.lineno <= error.place.line <= node.end_lineno:
            try:
                if eval(ast.unparse(node.slice), frame.f_globals, frame.f_locals) != key:
                    continue
                value = eval(ast.unparse(node.value), frame.f_globals, frame.f_locals)
            except Exception:
                continue
            if isinstance(value, dict) and key not in value:
                return value
    return None


def _frame(error):
    """Renvoie le cadre du projet le plus proche d'une exception vivante."""
    entry = error.live and error.live.__traceback__
    found = None
    while entry:
        if (
            entry.tb_lineno == error.place.line
            and entry.tb_frame.f_code.co_name == error.place.function
        ):
            found = entry.tb_frame
        entry = entry.tb_next
    return found


def literal(case, text: str, place: Place) -> Place:
    """Renvoie la ligne du fichier qui contient le début d'un texte, sinon `place`."""
    if not place.file:
        return place
    for node in case.project.source(place.file).nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and len(node.value) > 2
            and node.value in text
        ):
            return Place(place.file, node.lineno)
    return place
