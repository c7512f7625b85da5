"""Le chemin jusqu'au consommateur : l'application, ses étages, ses routes."""

import inspect
import re

from workshop.diagnosis import settings
from workshop.diagnosis.rules import raised, rule
from workshop.diagnosis.settings import entrance
from workshop.project.sources import Place, closest

WANTED = "chat/poneys/"


class Layout:
    """Ce que l'on voit de l'application d'un projet, sans l'exécuter.

    `protocols` sont les clés de ProtocolTypeRouter (None si ce n'en est pas un), `middleware` les
    étages, de l'extérieur vers l'intérieur, `routes` les routes du premier URLRouter (None s'il n'y
    en a pas), `end` ce qui se trouve au bout.
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


@rule(steps=range(4, 100))
def wrong_entrance(case):
    """L'application n'est pas un ProtocolTypeRouter qui sait où vont les WebSockets."""
    if case.application is None:
        return
    layout, place = Layout(case.application), entrance(case)
    if layout.protocols is None and type(layout.end).__name__ == "ASGIHandler":
        cause = f"""L'application n'est encore que celle de Django, qui ne connaît que les pages.
        Donnez à {place.file} son ProtocolTypeRouter, comme au chapitre 04, et enregistrez le
        fichier."""
        yield "no-protocol-router", place, cause
    elif layout.protocols is not None and "websocket" not in layout.protocols:
        near = closest("websocket", layout.protocols)
        cause = (
            f"La clé « {near} » doit s'écrire « websocket »."
            if near
            else "Aucune clé « websocket » dans ProtocolTypeRouter. Ajoutez-la, avec le validateur "
            "et les routes."
        )
        yield "no-websocket-key", line_of(case, place, near or "ProtocolTypeRouter"), cause
    elif isinstance(layout.end, list | tuple):
        cause = """La liste de routes n'est pas une application : enveloppez-la,
        URLRouter(websocket_urlpatterns)."""
        yield "no-router", line_of(case, place, "websocket"), cause


@rule(steps=range(4, 100))
def not_an_application(case):
    """Une route reçoit une classe, une méthode ou une fonction au lieu d'une application."""
    for route in routes(case):
        target, place = route.callback, route_place(case, route)
        if inspect.isclass(target) and hasattr(target, "as_asgi"):
            cause = f"""La route mène à la classe elle-même. Écrivez {target.__name__}.as_asgi() :
            une instance neuve à chaque connexion."""
            yield "as-asgi-missing", place, cause
        elif inspect.ismethod(target) and target.__name__ == "as_asgi":
            yield "as-asgi-not-called", place, "Il manque les parenthèses : as_asgi()."
        elif inspect.isfunction(target) and case.project.relative(target.__code__.co_filename):
            cause = """La route mène à une fonction, comme une vue ou comme en 2016. Elle doit mener
            à un consommateur : ChatConsumer.as_asgi()."""
            yield "function-route", place, cause


@rule("ImproperlyConfigured", r'"(?P<pattern>.*)" is not a valid regular expression: (?P<why>.*)')
def bad_pattern(case, error, pattern, why):
    """Le motif « {pattern} » n'est pas une expression régulière : {why}. Comparez-le, signe par
    signe, avec celui du chapitre."""
    yield pattern_place(case, pattern) or error.place


@rule("ImproperlyConfigured", r"uses invalid converter '(?P<name>[^']+)'")
def converter_not_registered(case, error, name):
    """Le convertisseur « {name} » n'est pas enregistré. Appelez register_converter(…, "{name}")
    avant la première route qui l'emploie."""
    yield None


@rule("ImproperlyConfigured", r"include\(\) is not supported in URLRouter")
def include(case, error):
    """Une route de WebSocket ne mène pas à include(…), qui est pour les pages. Son second argument
    est ChatConsumer.as_asgi()."""
    for source in case.project.sources:
        place = line_of(case, Place(source.name), "include(")
        if place.line:
            yield place


@rule("TypeError", r"URLRouter|object is not (?:iterable|callable)")
def router_argument(case, error):
    """URLRouter reçoit la liste des routes : URLRouter(websocket_urlpatterns)."""
    line = case.project.source(error.place.file).line(error.place.line) if error.place.file else ""
    if "URLRouter" in line or "urlpatterns" in line:
        yield error.place


raised(
    {
        "as-asgi-missing": (
            "TypeError",
            r"view must be a callable",
            "Une route mène à autre chose qu'un consommateur. Son second argument est "
            "ChatConsumer.as_asgi().",
        ),
        "router-argument": (
            "AttributeError",
            r"'(?:tuple|function|list|str)' object has no attribute '(?:pattern|callback)",
            "Chaque élément de la liste de routes est un re_path(…) ou un path(…).",
        ),
        "closed-too-soon": (
            "TypeError",
            r"(?:Validator|Middleware|Router)\w*\.__call__\(\) missing",
            "La parenthèse de cet étage se ferme trop tôt : ce qu'il enveloppe doit être dedans.",
        ),
        "middleware-argument": (
            "TypeError",
            r"(?P<name>\w*(?:Validator|Middleware|Router)\w*)(?:\.__init__)?\(\) (?:missing|takes)",
            "{name} reçoit un seul argument, ce qu'il enveloppe : {name}( … ).",
        ),
    }
)


@rule(steps=range(4, 100))
def no_route(case):
    """Aucune route ne mène au salon."""
    found, path = routes(case), getattr(case.error, "path", "").lstrip("/")
    path = path if re.fullmatch(r"chat/[-\w]+/", path) else WANTED
    for route in found:
        if not matches(route, path):
            observed = f"Aucune route ne correspond à « {path} »."
            yield "no-route", route_place(case, route), "", observed
        elif target_of(route) == "WebsocketDenier" and route is not found[-1]:
            cause = "La route qui refuse tout est en premier : rien d'autre n'est essayé."
            yield "denier-first", route_place(case, route), cause
    if found or case.application is None:
        return
    for source in case.project.sources:
        if source.name.endswith("urls.py") and "as_asgi" in source.text:
            cause = f"""La route du chat est dans {source.name}, qui ne sert qu'aux pages.
            Déplacez-la dans chat/routing.py, dans websocket_urlpatterns."""
            yield "route-in-urls", case.project.where_is("websocket_urlpatterns"), cause
            yield "route-in-urls", line_of(case, Place(source.name), "as_asgi"), cause


@rule(goals="test_origin", said=r"accepte une connexion")
def origin(case):
    """Une page d'un autre site est acceptée."""
    layout, place = Layout(case.application), entrance(case)
    hosts = settings.value_of(case, "ALLOWED_HOSTS") or ()
    if "OriginValidator" not in layout.middleware:
        named = "AllowedHostsOriginValidator"
        imported = any(named in source.names for source in case.project.sources)
        more = " Il est importé, mais il n'enveloppe rien." if imported else ""
        if "OriginValidator" in Layout((layout.protocols or {}).get("http")).middleware:
            more = " Il enveloppe les pages, et non les WebSockets."
        cause = f"""Aucun étage ne regarde l'Origin.{more} Dans la valeur de « websocket », {named}(
        … ) enveloppe tout le reste."""
        yield "no-origin-validator", line_of(case, place, "websocket"), cause
    if any("*" in host for host in hosts):
        cause = """ALLOWED_HOSTS contient « * » : tous les sites sont permis. Remettez une liste
        vide, []."""
        yield "any-host", settings.place_of(case, "ALLOWED_HOSTS"), cause


@rule(said=r"HTTP 403")
def own_page_refused(case):
    """Une de nos pages est refusée, avant le consommateur."""
    hosts = settings.value_of(case, "ALLOWED_HOSTS")
    place = settings.place_of(case, "ALLOWED_HOSTS")
    if hosts and "" in hosts:
        cause = f"""ALLOWED_HOSTS vaut {hosts}, et non une liste vide : un texte vide ne se coupe en
        rien que par split(), sans argument."""
        yield "empty-host", place, cause
    elif hosts:
        cause = f"""Le validateur d'Origin refuse nos propres pages : ALLOWED_HOSTS vaut {hosts}, et
        il y faut « 127.0.0.1 », sans http:// ni port. Remettez une liste vide, []."""
        yield "own-host-refused", place, cause


def routes(case) -> list:
    """Renvoie les routes de WebSocket du projet ; aucune si l'on ne les trouve pas."""
    found = Layout(case.application).routes if case.application else None
    return [route for route in found or () if hasattr(route, "callback")]


def matches(route, path: str) -> bool:
    try:
        return bool(route.pattern.match(path))
    except Exception:
        return False


def pattern_of(route) -> str:
    return str(getattr(route.pattern, "_route", getattr(route.pattern, "_regex", route.pattern)))


def target_of(route) -> str:
    return getattr(getattr(route.callback, "consumer_class", None), "__name__", "")


def route_place(case, route) -> Place:
    pattern = pattern_of(route)
    wanted = pattern if pattern not in ("", "^") else f"{target_of(route)}.as_asgi"
    return pattern_place(case, wanted) or entrance(case)


def pattern_place(case, pattern: str) -> Place | None:
    """Renvoie la ligne qui contient ce motif, de préférence dans une route."""
    places = [
        ("path" not in line, Place(source.name, number))
        for source in case.project.sources
        for number, line in enumerate(source.lines, 1)
        if pattern in line
    ]
    return min(places, key=lambda one: one[0])[1] if places else None


def line_of(case, place: Place, text: str) -> Place:
    """Renvoie la première ligne d'un fichier, imports exceptés, qui contient un texte."""
    for number, line in enumerate(case.project.source(place.file).lines if place.file else (), 1):
        if text in line and not re.match(r"\s*(from|import|#)", line):
            return Place(place.file, number)
    return place
