"""Les noms : importés et absents, non définis, mal orthographiés, ou d'un autre temps."""

import ast
import builtins
import importlib
import importlib.util
import pkgutil
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
PAST_CURE = (
    "C'est l'écriture de la première génération de Channels, celle de 2016. La rubrique "
    "« En 2016 » du chapitre 05 donne, ligne à ligne, ce qui la remplace."
)
OURS = ("django", "channels", "daphne", "websockets", "csp", "twisted", "asgiref", "autobahn")
NOT_FOUND = "Le projet importe « {name} », que Python ne trouve pas."
UNDEFINED = "{error.place.file}, ligne {error.place.line}, emploie « {name} », que rien ne définit."
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


@rule(r"\w*Error|ImproperlyConfigured")
def shadowed(case, error):
    """Un fichier ou un dossier du projet cache un vrai paquet."""
    for file in case.project.files:
        root = file.split("/")[0]
        name = root.removesuffix(".py")
        if name in (*OURS, *sys.stdlib_module_names) and name in error.message:
            cause = (
                f"Votre projet contient {root}, qui cache le vrai paquet {name}. Renommez le vôtre."
            )
            yield "shadowed-package", Place(file), cause


@rule("ModuleNotFoundError", "No module named '(?P<name>[^']+)'", observed=NOT_FOUND)
def missing_settings(case, error, name):
    """Les réglages ne sont pas où manage.py les cherche."""
    project, settings = case.project, case.settings_module
    if settings.startswith(name) and settings not in project.modules:
        lines = project.source("manage.py").lines
        others = [file for file in project.files if file.endswith("/settings.py")]
        shown = f" ; les vôtres sont dans {others[0]}" if others else ""
        cause = (
            f"manage.py cherche les réglages dans « {settings} »{shown}. Donnez-leur le même nom."
        )
        line = next((n for n, text in enumerate(lines, 1) if settings in text), None)
        yield "settings-module", Place("manage.py", line), cause
        for file in (*others, settings_files(case)[0]):
            yield "settings-module", Place(file), cause


@rule("ModuleNotFoundError", "No module named '(?P<name>[^']+)'", observed=NOT_FOUND)
def glued(case, error, name):
    """Deux textes qui se suivent sans virgule n'en font qu'un."""
    for source in case.project.sources:
        for node in source.nodes:
            value = getattr(node, "value", None)
            if isinstance(node, ast.Constant) and str(value).startswith(name):
                first, second = (
                    source.line(n).strip("'\" ,") for n in (node.lineno, node.end_lineno)
                )
                if first + second == value:
                    cause = (
                        f"« {value} » est « {first} » collé à « {second} » : deux textes qui se "
                        "suivent sans virgule n'en font qu'un. Ajoutez la virgule qui manque."
                    )
                    yield "missing-comma", Place(source.name, node.lineno), cause


@rule("ModuleNotFoundError", "No module named '(?P<name>[^']+)'", observed=NOT_FOUND)
def missing_module(case, error, name):
    """Un module importé n'existe pas sous ce nom, ou n'est pas là."""
    project = case.project
    place = quoted(case, name) if error.place.file in ("", "manage.py") else error.place
    if re.match(PAST_MODULES, name):
        yield "channels-1", place, PAST_CURE
    path = name.replace(".", "/")
    wanted = [f"{path}.py", f"{path}/__init__.py"]
    for module, file in project.modules.items():
        if module == name or module.rpartition(".")[2] != name.rpartition(".")[2]:
            continue
        cause = f"Votre module est {file}. Déplacez-le : le projet le cherche dans {wanted[0]}."
        if file.endswith("/__init__.py") and "." not in name:
            folder = file.removesuffix("/__init__.py")
            cause = (
                f"Le dossier {folder} n'est pas où le projet le cherche. Déplacez-le à côté de "
                "manage.py."
            )
        for lost in (file, *wanted):
            yield "misplaced-module", Place(lost), cause
        yield "misplaced-module", place, f"Votre module est {file}, et s'importe par « {module} »."
    for file in project.files:
        if file.rpartition("/")[0] == path.rpartition("/")[0] and closest(wanted[0], [file]):
            cause = f"Votre fichier s'appelle {file}. Renommez-le {wanted[0]}."
            yield "misplaced-module", Place(file), cause
    for file in wanted:
        cause = f"Le fichier {file} n'existe pas. Est-il écrit, et enregistré sous ce nom ?"
        yield "missing-file", Place(file), cause
    if near := closest(name, [*project.modules, *_installed(name)]):
        yield "misspelt-module", place, f"Ce nom n'existe pas. Le plus proche est « {near} »."
    elif name.split(".")[0] in project.modules:
        cause = f"Le fichier {wanted[0]} n'existe pas. Est-il écrit, et enregistré sous ce nom ?"
        yield "missing-file", place, cause
    cause = "Ce nom n'existe ni dans votre projet, ni dans son environnement."
    yield "missing-module", place, cause


def _installed(name: str) -> list[str]:
    """Renvoie les modules installés parmi lesquels chercher une faute de frappe."""
    package = name.rpartition(".")[0]
    found = [*HOMES, *OURS, "django.contrib.auth", "django.contrib.staticfiles"]
    try:
        spec = importlib.util.find_spec(package) if package else None
    except (ImportError, ValueError):
        return found
    folders = (spec and spec.submodule_search_locations) or ()
    return found + [f"{package}.{each.name}" for each in pkgutil.iter_modules(folders)]


@rule(
    "ModuleNotFoundError",
    rf"No module named '(?P<name>{'|'.join(OURS)})\b",
    observed=NOT_FOUND,
    outside=True,
)
def not_installed(case, error, name):
    """Un paquet n'est pas installé dans l'environnement du projet."""
    cause = (
        f"{'Django' if name == 'django' else name} n'est pas installé dans l'environnement du "
        "projet. Dans le terminal « projet », environnement actif, tapez : python -m pip install "
        "-r requirements.txt -c ../constraints.txt"
    )
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
    if file := case.project.modules.get(module):
        source = case.project.source(file)
        if name in source.names:
            cause = (
                f"{file} est en cours d'import quand on lui demande « {name} » : deux fichiers "
                "s'importent l'un l'autre. Retirez l'un des deux imports."
            )
            yield "circular-import", None, cause
        elif not source.text.strip():
            yield "empty-file", Place(file), f"{file} est vide. L'avez-vous enregistré ?"
        elif near := closest(name, source.defined):
            for where in (Place(file, source.names[near]), place):
                cause = f"{file} définit « {near} », et non « {name} ». Donnez-leur le même nom."
                yield "misspelt-name", where, cause
        defined = ", ".join(one for one in source.defined if not one.startswith("_")) or "rien"
        cause = f"{file} ne définit pas « {name} » ; il définit : {defined}. Est-il enregistré ?"
        yield "missing-name", Place(file), cause
        if other := case.project.where_is(name):
            cause = f"« {name} » est défini dans {other.file}. Importez-le de là."
            yield "wrong-home", place, cause
    if home := HOME.get(name):
        yield "wrong-home", place, f"« {name} » vient d'ailleurs : from {home} import {name}"
    elif near := closest(name, [*HOME, *_exported(module)]):
        cause = f"Le nom exact est « {near} » : from {HOME.get(near, module)} import {near}"
        yield "misspelt-name", place, cause


def _exported(module: str) -> list[str]:
    try:
        return [name for name in dir(importlib.import_module(module)) if not name.startswith("_")]
    except Exception:
        return []


@rule("NameError", "name '(?P<name>[^']+)'", observed=UNDEFINED)
def undefined_name(case, error, name):
    """Un nom est employé sans avoir été défini ni importé."""
    place, source = error.place, case.project.source(error.place.file)
    line = source.line(place.line)
    if re.fullmatch(PAST, name):
        yield "channels-1", place, PAST_CURE
    if place.file in settings_files(case) and name in HOME:
        cause = f"Un réglage nomme une classe par un texte : '{HOME[name]}.{name}'."
        yield "missing-quotes", place, cause
    elif place.file in settings_files(case) and not closest(name, source.names):
        whole = line.partition("=")[2].strip(" ,") or name
        yield "missing-quotes", place, f"Un texte s'écrit entre guillemets : '{whole}'."
    other = case.project.where_is(name)
    home = HOME.get(name)
    if other and other.file != place.file:
        home = other.file[:-3].replace("/", ".").removesuffix(".__init__")
    if home or name in sys.stdlib_module_names:
        wanted = f"from {home} import {name}" if home else f"import {name}"
        cause = f"Il manque un import, en haut du fichier : {wanted}"
        yield "missing-import", Place(place.file), cause
    method = any(isinstance(node, FUNCTION) and node.name == name for node in source.nodes)
    if method and re.search(rf":\s*{re.escape(name)}\s*[,}}]", line):
        cause = f'Ici, c\'est un texte : écrivez-le entre guillemets, "{name}".'
        yield "missing-quotes", place, cause
    elif method or re.search(rf"self\.{re.escape(name)}\b", source.text):
        cause = f"« {name} » appartient au consommateur : écrivez « self.{name} »."
        yield "missing-self", place, cause
    near = closest(name, [*HOME, *source.names, *_locals(error), *dir(builtins)])
    if near in HOME and near not in source.names:
        cause = f"Le nom exact est « {near} » : from {HOME[near]} import {near}"
        yield "misspelt-name", place, cause
    elif near:
        cause = f"Le nom le plus proche est « {near} ». Écrivez-le de la même façon partout."
        yield "misspelt-name", place, cause


def _locals(error) -> list[str]:
    entry, names = error.live and error.live.__traceback__, []
    while entry:
        names, entry = list(entry.tb_frame.f_locals), entry.tb_next
    return names


@rule("AppRegistryNotReady", "Apps aren't loaded yet|Models aren't loaded yet")
def too_early(case, error):
    """Un modèle est importé par un fichier que Django lit avant d'être prêt."""
    if error.place.file.endswith("__init__.py") or error.place.file in settings_files(case):
        cause = (
            "Ce fichier est lu avant que Django soit prêt : aucun modèle ne s'y importe. Déplacez "
            "cette ligne dans le fichier qui s'en sert."
        )
        yield "too-early", error.place, cause


@rule(
    "AttributeError",
    r"module '(?P<module>[^']+)'.* has no attribute '(?P<name>\w+)'",
    observed="Le projet demande « {name} » à « {module} », qui ne l'a pas.",
)
def missing_in_module(case, error, module, name):
    """Un module n'a pas le nom qu'on lui demande."""
    file = case.project.modules.get(module)
    names = case.project.source(file).names if file else [*HOME, *_exported(module)]
    near = closest(name, names)
    if re.fullmatch(PAST, name):
        yield "channels-1", error.place, PAST_CURE
    elif file and near:
        cause = f"{file} définit « {near} », et non « {name} ». Donnez-leur le même nom."
        yield "misspelt-name", Place(file, names[near]), cause
        yield "misspelt-name", error.place, cause
    elif near:
        yield "misspelt-name", error.place, f"Le nom le plus proche est « {near} »."
    elif file and not names:
        yield "empty-file", Place(file), f"{file} ne définit rien. L'avez-vous enregistré ?"


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
            "Une personne non connectée n'a pas « {name} ». Demandez d'abord si "
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
    source = case.project.source(place.file)
    own = re.findall(r"self\.(\w+)\s*(?::[^=]+)?=", source.text)
    methods = [node.name for node in source.nodes if isinstance(node, FUNCTION)]
    near = closest(name, [*own, *methods, *(one for one in dir(owner) if one[:2] != "__")])
    if not place.file:
        return
    if name in ("request", "message") and hasattr(owner, "scope"):
        cause = (
            "Un consommateur n'a pas de requête. Tout ce que l'on sait de la connexion est dans "
            'self.scope : self.scope["user"], par exemple.'
        )
        yield "request", place, cause
    elif name.startswith("group_") and hasattr(owner, "channel_layer"):
        cause = f"« {name} » appartient à la couche de canaux : self.channel_layer.{name}(…)."
        yield "misspelt-attribute", place, cause
    elif name in own:
        cause = (
            f"« self.{name} » n'a pas encore de valeur à ce moment : la ligne qui la lui donne "
            "n'a pas été exécutée avant celle-ci."
        )
        yield "attribute-set-too-late", place, cause
    elif near:
        cause = f"Le nom le plus proche est « {near} ». Écrivez-le de la même façon partout."
        yield "misspelt-attribute", place, cause
    elif hasattr(owner, "channel_name"):
        cause = (
            f"Rien ne donne de valeur à « self.{name} » : il faut « self.{name} = … » dans "
            "connect, ou une méthode de ce nom dans la classe."
        )
        yield "missing-attribute", place, cause
