"""Le chemin jusqu'au consommateur : l'application, ses étages, ses routes."""

import inspect
import re

from workshop.project.sources import Place, closest

WANTED = "chat/poneys/"


class Layout:
    """Ce que l'on voit de l'application d'un projet, sans l'exécuter.

    `protocols` sont les clés de ProtocolTypeRouter (None si ce n'en est pas un), `middleware` les
    noms des étages, de l'extérieur vers l'intérieur, `routes` les routes du premier URLRouter (None
    s'il n'y en a pas), `end` ce qui se trouve au bout.
    """

    def __init__(self, application):
        from channels.routing import ProtocolTypeRouter, URLRouter

        self.protocols, self.middleware, self.routes = None, [], None
        current = application
        for _ in range(20):
            if isinstance(current, ProtocolTypeRouter):
                self.protocols = dict(current.application_mapping)
                current = self.protocols.get("websocket")
            elif isinstance(current, URLRouter):
                self.routes = current.routes
                break
            elif inner := getattr(current, "inner", None) or getattr(current, "application", None):
                self.middleware.append(type(current).__name__)
                current = inner
            else:
                break
        self.end = current


def entrance(case) -> Place:
    """Renvoie le fichier qui définit l'application."""

    from workshop.diagnosis.settings import value_of

    value = value_of(case, "ASGI_APPLICATION")
    module = value.rpartition(".")[0] if isinstance(value, str) else ""
    file = case.project.modules.get(module, "live/asgi.py")
    if not case.project.has(file):
        return Place("")
    names = case.project.source(file).names
    return Place(file, names.get("application"))


def wrong_entrance(case):
    """L'application n'est pas un ProtocolTypeRouter qui sait où vont les WebSockets."""
    if case.number < 4 or case.application is None or not _handshake_fails(case):
        return None
    layout, place = Layout(case.application), entrance(case)
    if layout.protocols is None:
        return (
            case.says(
                "no-protocol-router",
                "L'application n'est encore que celle de Django, qui ne connaît que les pages. "
                f"Donnez à {place.file} son ProtocolTypeRouter, comme au chapitre 04, et "
                "enregistrez le fichier.",
                place,
            )
            if layout.routes is None
            else None
        )
    if "websocket" not in layout.protocols:
        keys = ", ".join(f"« {key} »" for key in layout.protocols)
        near = closest("websocket", layout.protocols)
        cause = (
            f"La clé « {near} » doit s'écrire « websocket »."
            if near
            else (
                f"Aucune clé « websocket » dans ProtocolTypeRouter ; il y a : {keys}. Ajoutez-la, "
                "avec le validateur et les routes."
            )
        )
        return case.says("no-websocket-key", cause, _in(case, place, near or "ProtocolTypeRouter"))
    if layout.routes is None and isinstance(layout.end, list | tuple):
        return case.says(
            "no-router",
            "La liste de routes n'est pas une application : enveloppez-la, "
            "URLRouter(websocket_urlpatterns).",
            _in(case, place, "websocket"),
        )
    if layout.routes is None and type(layout.end).__name__ == "ASGIHandler":
        return case.says(
            "websocket-to-django",
            "La clé « websocket » mène à Django, qui ne connaît que les pages. Elle doit mener au "
            "validateur, puis à URLRouter(websocket_urlpatterns).",
            _in(case, place, "websocket"),
        )
    return None


def not_an_application(case):
    """Une route reçoit une classe, une méthode ou une fonction au lieu d'une application."""
    if case.application is None or case.number < 4 or not _handshake_fails(case):
        return None
    for route in Layout(case.application).routes or ():
        target = getattr(route, "callback", None)
        place = _route_place(case, route)
        if inspect.isclass(target) and hasattr(target, "as_asgi"):
            return case.says(
                "as-asgi-missing",
                f"La route mène à la classe elle-même. Écrivez {target.__name__}.as_asgi() : une "
                "instance neuve à chaque connexion.",
                place,
            )
        if inspect.ismethod(target) and target.__name__ == "as_asgi":
            return case.says("as-asgi-not-called", "Il manque les parenthèses : as_asgi().", place)
        if (
            inspect.isfunction(target)
            and case.project.relative(target.__code__.co_filename)
            and not hasattr(target, "consumer_class")
        ):
            return case.says(
                "function-route",
                "La route mène à une fonction, comme une vue ou comme en 2016. Elle doit mener à "
                "un consommateur : ChatConsumer.as_asgi().",
                place,
            )
    return None


def bad_route(case):
    """Une route n'a pas pu être construite."""
    error, found = case.find("TypeError", r"view must be a callable")
    if error:
        return case.says(
            "as-asgi-missing",
            "Une route mène à autre chose qu'un consommateur. Son second argument est "
            "ChatConsumer.as_asgi().",
            error.place,
        )
    error, found = case.find(
        "ImproperlyConfigured", r'"(.*)" is not a valid regular expression: (.*)'
    )
    if error:
        return case.says(
            "bad-pattern",
            f"Le motif « {found[1]} » n'est pas une expression régulière : {found[2]}. "
            "Comparez-le, signe par signe, avec celui du chapitre.",
            _pattern_place(case, found[1]) or error.place,
        )
    error, _ = case.find("ImproperlyConfigured", r"include\(\) is not supported in URLRouter")
    if error:
        there = Place("chat/routing.py") if case.project.has("chat/routing.py") else error.place
        return case.says(
            "include",
            "Une route de WebSocket ne mène pas à include(…), qui est pour les pages. Son second "
            "argument est ChatConsumer.as_asgi().",
            _in(case, there, "include"),
        )
    error, found = case.find(
        "ImproperlyConfigured", r"URL route '(.*)' uses (?:invalid converter|parameter name)"
    )
    if error:
        return case.says(
            "bad-pattern",
            f"La route « {found[1]} » n'est pas bien formée. Entre chevrons : le type, "
            "deux-points, le nom, comme <slug:room>.",
            _pattern_place(case, found[1]) or error.place,
        )
    error, found = case.find(
        "TypeError",
        r"URLRouter|'(?:module|function|list|tuple)' object is not (?:iterable|callable)|object "
        r"is not iterable",
    )
    if error and case.application is None and error.place.file:
        line = case.project.source(error.place.file).line(error.place.line)
        if "URLRouter" in line or "urlpatterns" in line:
            return case.says(
                "router-argument",
                "URLRouter reçoit la liste des routes : URLRouter(websocket_urlpatterns).",
                error.place,
            )
    error, _ = case.find(
        "AttributeError",
        r"'(?:tuple|function|list|str)' object has no attribute '(?:pattern|callback)'",
    )
    if error:
        return case.says(
            "router-argument",
            "Chaque élément de la liste de routes est un re_path(…) ou un path(…).",
            error.place,
        )
    return None


def no_route(case):
    """Aucune route ne mène au salon."""
    path = _lost_path(case)
    if not path:
        return None
    layout = Layout(case.application)
    if layout.routes is None:
        return None
    if not layout.routes:
        for source in case.project.sources:
            if source.name.endswith("urls.py") and "as_asgi" in source.text:
                return case.says(
                    "route-in-urls",
                    f"La route du chat est dans {source.name}, qui ne sert qu'aux pages. "
                    "Déplacez-la dans chat/routing.py, dans websocket_urlpatterns.",
                    _in(case, Place(source.name), "as_asgi"),
                )
        return case.says(
            "empty-routes", "La liste de routes est vide. Ajoutez-y celle du chat.", entrance(case)
        )
    for route in layout.routes:
        if _target(route) == "WebsocketDenier" and len(layout.routes) > 1:
            if route is layout.routes[0] and _pattern(route) in ("", "^"):
                return case.says(
                    "denier-first",
                    "La route qui refuse tout est en premier : aucune autre n'est essayée. "
                    "Mettez-la en dernier.",
                    _route_place(case, route),
                )
            continue
        observed = f"Aucune route ne correspond à « {path} »."
        return case.says(
            "no-route", _why(_pattern(route), route, path), _route_place(case, route), observed
        )
    return None


def _lost_path(case) -> str | None:
    """Renvoie le chemin d'un salon qu'aucune route ne reconnaît, sans sa barre de début."""
    asked = [WANTED]
    if getattr(case.error, "path", None):
        asked.insert(0, case.error.path.lstrip("/"))
    error, found = case.find("ValueError", r"No route found for path '(.*)'\.")
    if error:
        asked.insert(0, found[1])
    elif not (case.application and _refused(case)):
        return None
    routes = Layout(case.application).routes or () if case.application else ()
    for path in asked:
        if re.fullmatch(r"chat/[-a-zA-Z0-9_]+/", path):
            taken = [route for route in routes if _matches(route, path)]
            if not taken or _target(taken[0]) == "WebsocketDenier":
                return path
    return None


def _refused(case) -> bool:
    return "poignée de main" in case.said


def _matches(route, path: str) -> bool:
    try:
        return bool(route.pattern.match(path))
    except Exception:
        return False


def _why(pattern: str, route, path: str) -> str:
    """Renvoie pourquoi un motif ne correspond pas à un chemin."""
    regular = type(getattr(route, "pattern", None)).__name__ == "RegexPattern"
    if re.search(r"\(P\?<|\(\?<(?![=!])|\(<", pattern):
        return f"Le morceau nommé du motif « {pattern} » s'écrit (?P<room>…), dans cet ordre."
    bare = pattern.lstrip("^")
    if bare.startswith("/"):
        return (
            f"Le motif « {pattern} » commence par une barre. Channels l'enlève du chemin avant de "
            "comparer : retirez-la."
        )
    if not regular and re.search(r"\^|\$|\(\?P|\\w|\[", pattern):
        return (
            f"« {pattern} » est une expression régulière, et path() ne les lit pas. Écrivez "
            "re_path(…) au lieu de path(…)."
        )
    if regular and re.search(r"<(?:\w+:)?\w+>", re.sub(r"\(\?P<\w+>", "", pattern)):
        return (
            f"« {pattern} » est écrit comme pour path(). Écrivez path(…) au lieu de re_path(…), "
            "ou un motif comme dans le chapitre."
        )
    if bare.startswith("ws/"):
        return (
            f"Le motif « {pattern} » commence par « ws/ », comme dans le tutoriel de Channels. "
            "Dans l'atelier, le chemin est chat/ suivi du salon et d'une barre."
        )
    if " " in pattern:
        return f"Le motif « {pattern} » contient une espace, qu'un chemin n'a pas. Retirez-la."
    room = path.removeprefix("chat/").removesuffix("/")
    refused = sorted({char for char in room if not _matches(route, f"chat/a{char}a/")})
    if _matches(route, "chat/aaa/") and refused:
        shown = ", ".join(f"« {char} »" for char in refused)
        return f"Le motif n'accepte pas {shown} dans le nom du salon. Le motif est « {pattern} »."
    for attempt, reason in (
        (f"chat/{room}", "Il manque la barre à la fin du motif"),
        (f"/chat/{room}/", "La barre du début est de trop"),
        (f"chat//{room}/", "Il y a une barre de trop"),
        (f"chat/{room}//", "Il y a une barre de trop à la fin"),
        (f"chat/{room} /", "Il y a une espace de trop"),
        (f"chat /{room}/", "Il y a une espace de trop"),
        (f" chat/{room}/", "Il y a une espace de trop"),
        (f"Chat/{room}/", "« chat » s'écrit en minuscules"),
        ("chat/", "Le motif s'arrête avant le nom du salon"),
        ("chat/p/", "Le motif n'accepte qu'un caractère pour le salon : il manque un « + »"),
        ("chat/1234/", "Le motif n'accepte que des nombres pour le salon"),
        ("chat/PONEYS/", "Le motif n'accepte pas les minuscules dans le nom du salon"),
        (room + "/", "Il manque « chat/ » au début du motif"),
    ):
        if _matches(route, attempt):
            return f"{reason}. Le motif est « {pattern} »."
    first = re.match(r"[\w-]*", bare)[0]
    if first and first != "chat":
        return f"Le motif « {pattern} » commence par « {first} » ; le client demande « {path} »."
    return (
        f"Le motif « {pattern} » ne correspond pas à « {path} ». Comparez-le, signe par signe, "
        "avec celui du chapitre."
    )


def origin(case):
    """Une page d'un autre site est acceptée."""
    if case.goal != "test_origin" or case.application is None:
        return None
    from workshop.diagnosis.settings import place_of, value_of

    layout, place = Layout(case.application), entrance(case)
    if "OriginValidator" not in layout.middleware:
        imported = any(
            "AllowedHostsOriginValidator" in source.names for source in case.project.sources
        )
        more = " Il est importé, mais il n'enveloppe rien." if imported else ""
        if layout.protocols and any(
            _has_validator(app) for key, app in layout.protocols.items() if key != "websocket"
        ):
            more = " Il enveloppe les pages, et non les WebSockets."
        return case.says(
            "no-origin-validator",
            f"Aucun étage ne regarde l'Origin.{more} Dans la valeur de « websocket », "
            "AllowedHostsOriginValidator( … ) enveloppe tout le reste.",
            _in(case, place, "websocket"),
        )
    if "*" in (value_of(case, "ALLOWED_HOSTS") or ()):
        return case.says(
            "any-host",
            "ALLOWED_HOSTS contient « * » : tous les sites sont permis. Remettez une liste vide, "
            "[].",
            place_of(case, "ALLOWED_HOSTS"),
        )
    return case.says(
        "any-origin",
        "Le validateur accepte cette origine. Prenez AllowedHostsOriginValidator, qui ne permet "
        "que les machines du projet.",
        _in(case, place, "OriginValidator"),
    )


def own_page_refused(case):
    """Une de nos pages est refusée, avant le consommateur."""
    if (
        not re.search(r"HTTP 403", case.said)
        or case.application is None
        or case.number < 4
        or case.goal in ("test_origin", "test_not_a_room")
    ):
        return None
    from workshop.diagnosis.settings import place_of, value_of

    layout = Layout(case.application)
    probe = case.probe
    hosts = value_of(case, "ALLOWED_HOSTS")
    if probe and probe.answer == "accept" and hosts and "127.0.0.1" not in hosts:
        return case.says(
            "own-host-refused",
            f"Le validateur d'Origin refuse nos propres pages : ALLOWED_HOSTS vaut {hosts}, sans "
            "« 127.0.0.1 ». Remettez une liste vide, [].",
            place_of(case, "ALLOWED_HOSTS"),
        )
    if (
        probe
        and probe.answer == "close"
        and not probe.consumers
        and "OriginValidator" in layout.middleware
    ):
        if hosts or value_of(case, "DEBUG") is False:
            return case.says(
                "own-host-refused",
                f"Le validateur d'Origin refuse nos propres pages : ALLOWED_HOSTS vaut {hosts}, "
                "sans « localhost » ni « 127.0.0.1 ». Remettez une liste vide, [], et DEBUG = "
                "True.",
                place_of(case, "ALLOWED_HOSTS"),
            )
        return case.says(
            "own-origin-refused",
            "Le validateur d'Origin refuse nos propres pages. Prenez AllowedHostsOriginValidator, "
            "sans liste.",
            _in(case, entrance(case), "OriginValidator"),
        )
    return None


def middleware_order(case):
    """Un étage est monté à l'envers, ou sans ce qu'il demande."""
    error, found = case.find(
        "TypeError",
        r"(\w*(?:Validator|Middleware|URLRouter|ProtocolTypeRouter)\w*)"
        r"(?:\.__(?:init|call)__)?\(\) "
        r"(?:missing|takes)",
    )
    if error and error.place.file and "__call__" in error.message:
        return case.says(
            "middleware-argument",
            "La parenthèse de cet étage se ferme trop tôt : ce qu'il enveloppe doit être dedans.",
            error.place,
        )
    if error and error.place.file:
        return case.says(
            "middleware-argument",
            f"{found[1]} reçoit un seul argument, ce qu'il enveloppe : {found[1]}( … ).",
            error.place,
        )
    return None


def _has_validator(application) -> bool:
    return "OriginValidator" in Layout(application).middleware


def _handshake_fails(case) -> bool:
    return bool(case.probe and case.probe.answer != "accept")


def _pattern(route) -> str:
    pattern = getattr(route, "pattern", "")
    if type(pattern).__name__ == "RoutePattern":
        return str(pattern._route)
    return str(getattr(pattern, "_regex", pattern))


def _target(route) -> str:
    target = getattr(route, "callback", None)
    return getattr(getattr(target, "consumer_class", None), "__name__", "")


def _route_place(case, route) -> Place:
    if _pattern(route):
        return _pattern_place(case, _pattern(route)) or entrance(case)
    for source in case.project.sources:
        for number, line in enumerate(source.lines, 1):
            if re.search(rf"path\(.*{_target(route) or 'as_asgi'}", line):
                return Place(source.name, number)
    return entrance(case)


def _pattern_place(case, pattern: str) -> Place | None:
    for source in case.project.sources:
        for number, line in enumerate(source.lines, 1):
            if pattern and pattern in line and "path" in line:
                return Place(source.name, number)
    for source in case.project.sources:
        for number, line in enumerate(source.lines, 1):
            if pattern and pattern in line:
                return Place(source.name, number)
    return None


def _in(case, place: Place, text: str) -> Place:
    """Renvoie la première ligne d'un fichier, imports exceptés, qui contient un texte."""
    if not place.file:
        return place
    for number, line in enumerate(case.project.source(place.file).lines, 1):
        if text in line and not re.match(r"\s*(from|import|#)", line):
            return Place(place.file, number)
    return place
