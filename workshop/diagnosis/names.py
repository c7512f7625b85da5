"""Les noms : importés et absents, non définis, mal orthographiés, ou d'un autre temps."""

import re
import sys

from workshop.diagnosis.rules import raised, rule
from workshop.diagnosis.settings import quoted, settings_files
from workshop.project.sources import Place, closest

HOMES = {
    "channels.auth": "AuthMiddlewareStack AuthMiddleware",
    "channels.db": "database_sync_to_async",
    "channels.generic.websocket": "AsyncWebsocketConsumer WebsocketConsumer "
    "AsyncJsonWebsocketConsumer JsonWebsocketConsumer",
    "channels.layers": "get_channel_layer InMemoryChannelLayer",
    "channels.routing": "ProtocolTypeRouter URLRouter",
    "channels.security.websocket": "AllowedHostsOriginValidator OriginValidator WebsocketDenier",
    "channels.sessions": "SessionMiddlewareStack CookieMiddleware SessionMiddleware",
    "asgiref.sync": "async_to_sync sync_to_async",
    "django.core.asgi": "get_asgi_application",
    "django.urls": "path re_path include",
    "django.contrib": "admin",
    "websockets.sync.client": "connect",
    "websockets.exceptions": "ConnectionClosed InvalidMessage InvalidStatus",
}
HOME = {name: module for module, names in HOMES.items() for name in names.split()}
PAST = (
    "Group|Channel|route|route_class|channel_session|channel_session_user|http_session|AsgiHandler"
    "|channel_session_user_from_http|enforce_ordering"
)
PAST_MODULES = (
    r"asgiref\.inmemory|channels\.(asgi|handler|staticfiles|http|tests)|django\.core\.urlresolvers"
)
PAST_CURE = """C'est l'écriture de la première génération de Channels, celle de 2016. La rubrique
« En 2016 » du chapitre 05 donne, ligne à ligne, ce qui la remplace."""
OURS = ("django", "channels", "daphne", "websockets", "csp", "twisted", "asgiref", "autobahn")
NOT_FOUND = "Le projet importe « {name} », que Python ne trouve pas."
UNDEFINED = "{error.place.file}, ligne {error.place.line}, emploie « {name} », que rien ne définit."


@rule(r"\w*Error|ImproperlyConfigured")
def shadowed(case, error):
    """Un fichier ou un dossier du projet cache un vrai paquet."""
    for file in case.project.files:
        root = file.split("/")[0]
        name = root.removesuffix(".py")
        if name in (*OURS, *sys.stdlib_module_names) and name in error.message:
            cause = f"""Votre projet contient {root}, qui cache le vrai paquet {name}. Renommez le
            vôtre."""
            yield "shadowed-package", Place(file), cause


@rule("AttributeError", r"'list' object has no attribute '(?P<name>add|discard)'")
def list_for_set(case, error, name):
    """C'est une liste, et {name}() est le geste d'un ensemble, que crée set()."""
    yield None


@rule("ModuleNotFoundError", "No module named '(?P<name>[^']+)'", observed=NOT_FOUND)
def missing_settings(case, error, name):
    """Les réglages ne sont pas où manage.py les cherche."""
    project, settings = case.project, case.settings_module
    if settings.startswith(name) and settings not in project.modules:
        lines = project.source("manage.py").lines
        others = [file for file in project.files if file.endswith("/settings.py")]
        shown = f" ; les vôtres sont dans {others[0]}" if others else ""
        cause = f"""manage.py cherche les réglages dans « {settings} »{shown}. Donnez-leur le même
        nom."""
        line = next((n for n, text in enumerate(lines, 1) if settings in text), None)
        yield "settings-module", Place("manage.py", line), cause
        for file in (*others, settings_files(case)[0]):
            yield "settings-module", Place(file), cause


@rule("ModuleNotFoundError", "No module named '(?P<name>[^']+)'", observed=NOT_FOUND)
def missing_module(case, error, name):
    """Un module importé n'existe pas sous ce nom, ou n'est pas là."""
    place = quoted(case, name) if error.place.file in ("", "manage.py") else error.place
    if re.match(PAST_MODULES, name):
        yield "channels-1", place, PAST_CURE
    for module in case.project.modules:
        if module != name and module.rpartition(".")[2] == name.rpartition(".")[2]:
            yield "misplaced-module", place, f"Le vôtre s'importe par « {module} »."
    path = name.replace(".", "/")
    for file in (place.file, f"{path}.py", f"{path}/__init__.py"):
        yield "missing-module", Place(file), ""


@rule(
    "ModuleNotFoundError",
    rf"No module named '(?P<name>{'|'.join(OURS)})\b",
    observed=NOT_FOUND,
    outside=True,
)
def not_installed(case, error, name):
    """Un paquet n'est pas installé dans l'environnement du projet."""
    cause = f"""{"Django" if name == "django" else name} n'est pas installé dans l'environnement du
    projet. Dans le terminal « projet », environnement actif, tapez : python -m pip install -r
    requirements.txt -c ../constraints.txt"""
    yield "not-installed", error.place, cause


@rule(
    "ImportError",
    "cannot import name '(?P<name>[^']+)' from (partially initialized module )?'(?P<module>[^']+)'",
    observed="Le projet importe « {name} » de « {module} », qui ne le contient pas.",
)
def missing_name(case, error, name, module):
    """Un nom importé n'est pas dans le module qui devrait le donner."""
    place = error.place
    if re.fullmatch(PAST, name) and module.startswith("channels"):
        yield "channels-1", place, PAST_CURE
    file = case.project.modules.get(module)
    if file:
        source = case.project.source(file)
        if name in source.names:
            cause = f"""{file} est en cours d'import quand on lui demande « {name} » : deux fichiers
            s'importent l'un l'autre. Retirez l'un des deux imports."""
            yield "circular-import", None, cause
        if other := case.project.where_is(name):
            cause = f"« {name} » est défini dans {other.file}. Importez-le de là."
            yield "wrong-home", place, cause
    if home := HOME.get(name):
        yield "wrong-home", place, f"« {name} » vient d'ailleurs : from {home} import {name}"
    for one in filter(None, (place.file, file)):
        yield "missing-name", Place(one), ""


@rule("NameError", "name '(?P<name>[^']+)'", observed=UNDEFINED)
def undefined_name(case, error, name):
    """Un nom est employé sans avoir été défini ni importé."""
    place = error.place
    if re.fullmatch(PAST, name):
        yield "channels-1", place, PAST_CURE
    if place.file in settings_files(case) and name in HOME:
        cause = f"Un réglage nomme une classe par un texte : '{HOME[name]}.{name}'."
        yield "missing-quotes", place, cause
    yield "undefined-name", Place(place.file), ""


@rule("AppRegistryNotReady", "Apps aren't loaded yet|Models aren't loaded yet")
def too_early(case, error):
    """Ce fichier est lu avant que Django soit prêt : aucun modèle ne s'y importe. Déplacez cette
    ligne dans le fichier qui s'en sert."""
    if error.place.file.endswith("__init__.py") or error.place.file in settings_files(case):
        yield error.place


raised(
    {
        "used-before-assignment": (
            "UnboundLocalError",
            "local variable '(?P<name>[^']+)'",
            "Dans cette fonction, « {name} » sert avant d'avoir reçu une valeur. Donnez-lui sa "
            "valeur plus haut, ou choisissez un autre nom.",
        ),
        "coroutine-not-awaited": (
            "AttributeError",
            r"'coroutine' object has no attribute '(?P<name>\w+)'",
            "Il manque « await » : on demande « {name} » à une coroutine que "
            "personne n'a attendue.",
        ),
        "anonymous-user": (
            "AttributeError",
            r"'AnonymousUser' object has no attribute '(?P<name>\w+)'",
            "Une personne non identifiée n'a pas « {name} ». Demandez d'abord si "
            "« user.is_authenticated ».",
        ),
        "dict-attribute": (
            "AttributeError",
            r"'dict' object has no attribute '(?P<name>\w+)'",
            "Un dictionnaire n'a pas d'attribut « {name} » : sa clé s'écrit entre crochets, "
            '["{name}"].',
        ),
    }
)


@rule(
    "AttributeError", r"^(type object )?'(?P<kind>\w+)'( object)? has no attribute '(?P<name>\w+)'"
)
def missing_attribute(case, error, kind, name):
    """Un objet n'a pas l'attribut qu'on lui demande."""
    place, owner = error.place, getattr(error.live, "obj", None)
    own = re.findall(r"self\.(\w+)\s*(?::[^=]+)?=", case.project.source(place.file).text)
    if not place.file:
        return
    if name in ("request", "message") and hasattr(owner, "scope"):
        cause = """Un consommateur n'a pas de requête. Tout ce que l'on sait de la connexion est
        dans self.scope : self.scope["user"], par exemple."""
        yield "request", place, cause
    elif name.startswith("group_") and hasattr(owner, "channel_layer"):
        cause = f"« {name} » appartient à la couche de canaux : self.channel_layer.{name}(…)."
        yield "missing-layer", place, cause
    elif name in own:
        cause = f"""« self.{name} » n'a pas encore de valeur à ce moment : la ligne qui la lui donne
        n'a pas été exécutée avant celle-ci."""
        yield "attribute-set-too-late", place, cause
    elif hasattr(owner, "channel_name") and not closest(name, [*own, *dir(owner)]):
        cause = f"""Rien ne donne de valeur à « self.{name} » : il faut « self.{name} = … » dans
        connect, ou une méthode de ce nom dans la classe."""
        yield "missing-attribute", place, cause
