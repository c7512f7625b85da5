"""Les noms : importés et absents, non définis, mal orthographiés, ou d'un autre temps."""

import ast
import builtins
import importlib
import importlib.util
import pkgutil
import re
import sys

from workshop.diagnosis.rules import rule
from workshop.diagnosis.settings import quoted, settings_file, value_of
from workshop.project.python import settings_module
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
    r"(asgiref\.inmemory|channels\.(asgi|handler|staticfiles|http|tests)|django\.core\.urlresolvers)"
)
PAST_CURE = (
    "C'est l'écriture de la première génération de Channels, celle de 2016. La rubrique "
    "« En 2016 » du chapitre 05 donne, ligne à ligne, ce qui la remplace."
)
OURS = ("django", "channels", "daphne", "websockets", "twisted", "asgiref", "autobahn")
OTHER_LANGUAGES = {
    "true": "True",
    "false": "False",
    "null": "None",
    "none": "None",
    "undefined": "None",
    "this": "self",
}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


@rule(r"\w*Error|ImproperlyConfigured")
def shadowed(case, error):
    """Un fichier ou un dossier du projet cache un vrai paquet."""
    for file in case.project.files:
        root = file.split("/")[0]
        name = root.removesuffix(".py")
        if name in (*OURS, *sys.stdlib_module_names) and name in error.message:
            yield "shadowed-package", Place(file), (
                f"Votre projet contient {root}, qui cache le vrai paquet {name}. Renommez le vôtre."
            )


@rule("ModuleNotFoundError", "No module named '(?P<name>[^']+)'")
def missing_module(case, error, name):
    """Un module importé n'existe pas sous ce nom."""
    place = quoted(case, name) if error.place.file in ("", "manage.py") else error.place
    observed = f"Le projet importe « {name} », que Python ne trouve pas."
    for code, where, cause in _missing_module(case, name, place):
        yield code, where, cause, observed


def _missing_module(case, name: str, place: Place):
    project = case.project
    settings = settings_module(project.folder)
    if settings.startswith(name) and settings not in project.modules:
        lines = project.source("manage.py").lines
        others = [file for file in project.files if file.endswith("/settings.py")]
        shown = f" ; les vôtres sont dans {others[0]}" if others else ""
        line = next((n for n, text in enumerate(lines, 1) if settings in text), None)
        yield "settings-module", Place("manage.py", line), (
            f"manage.py cherche les réglages dans « {settings} »{shown}. Donnez-leur le même nom."
        )
    if re.match(PAST_MODULES, name):
        yield "channels-1", place, PAST_CURE
    yield from _glued(case, name)
    path = name.replace(".", "/")
    wanted = [f"{path}.py", f"{path}/__init__.py"]
    there = [
        (module, file)
        for module, file in project.modules.items()
        if module != name and module.rpartition(".")[2] == name.rpartition(".")[2]
    ]
    for module, file in there:
        if file.endswith("/__init__.py") and module.endswith(f".{name}"):
            for lost in (Place(file), Place(wanted[1])):
                yield "misplaced-module", lost, (
                    f"Le dossier {file.rpartition('/')[0]} n'est pas où le projet le cherche. "
                    "Déplacez-le à côté de manage.py."
                )
        for lost in (Place(file), Place(wanted[0])):
            yield "misplaced-module", lost, (
                f"Votre module est {file}. Déplacez-le : le projet le cherche dans {wanted[0]}."
            )
        yield "misplaced-module", place, f"Votre module est {file}, et s'importe par « {module} »."
    for file in [file for file in project.files if _alike(file, wanted[0])]:
        yield "misplaced-module", Place(file), (
            f"Votre fichier s'appelle {file}. Renommez-le {wanted[0]}."
        )
    for file in wanted:
        yield "missing-file", Place(file), (
            f"Le fichier {file} n'existe pas. Est-il écrit, et enregistré sous ce nom ?"
        )
    if near := closest(name, [*project.modules, *_installed(name)]):
        yield "misspelt-module", place, f"Ce nom n'existe pas. Le plus proche est « {near} »."
    elif name in map(str, value_of(case, "INSTALLED_APPS") or ()):
        yield "missing-app", place, (
            f"INSTALLED_APPS nomme « {name} », et il n'y a ni dossier ni paquet de ce nom."
        )
    yield "missing-module", place, (
        "Ce nom n'existe ni dans votre projet, ni dans son environnement. Vérifiez l'orthographe "
        "de l'import."
    )


def _alike(file: str, wanted: str) -> bool:
    """Renvoie True si ce fichier est sans doute celui que l'on cherche, dans le même dossier."""
    folder, _, base = file.rpartition("/")
    other, _, name = wanted.rpartition("/")
    return folder == other and base != name and bool(closest(name, [base]))


def _installed(name: str) -> list[str]:
    """Renvoie les modules installés parmi lesquels chercher une faute de frappe."""
    package = name.rpartition(".")[0]
    found = [*HOMES, *OURS, "django.contrib.auth", "django.contrib.staticfiles"]
    try:
        spec = importlib.util.find_spec(package) if package else None
    except (ImportError, ValueError):
        return found
    folders = spec and spec.submodule_search_locations or ()
    return found + [f"{package}.{each.name}" for each in pkgutil.iter_modules(folders)]


def _glued(case, name: str):
    """Deux textes qui se suivent sans virgule n'en font qu'un."""
    for source in case.project.sources:
        for node in source.nodes:
            value = getattr(node, "value", None)
            if isinstance(node, ast.Constant) and str(value).startswith(name):
                first, second = (source.line(n).strip("'\" ,") for n in (node.lineno, node.end_lineno))
                if first + second == value:
                    yield "missing-comma", Place(source.name, node.lineno), (
                        f"« {value} » est « {first} » collé à « {second} » : deux textes qui se "
                        "suivent sans virgule n'en font qu'un. Ajoutez la virgule qui manque."
                    )


@rule("ModuleNotFoundError", r"No module named '(?P<name>\w+)", outside=True)
def not_installed(case, error, name):
    """Un paquet n'est pas installé dans l'environnement du projet."""
    yield "not-installed", error.place, (
        f"{name.capitalize() if name == 'django' else name} n'est pas installé dans "
        "l'environnement du projet. Dans le terminal « projet », environnement actif, tapez : "
        "python -m pip install -r requirements.txt -c ../constraints.txt"
    ), f"Le projet importe « {name} », que Python ne trouve pas."


@rule(
    "ImportError",
    "cannot import name '(?P<name>[^']+)' from (partially initialized module )?'(?P<module>[^']+)'",
)
def missing_name(case, error, name, module):
    """Un nom importé n'est pas dans le module qui devrait le donner."""
    observed = f"Le projet importe « {name} » de « {module} », qui ne le contient pas."
    for code, place, cause in _missing_name(case, name, module, error.place):
        yield code, place, cause, observed


def _missing_name(case, name: str, module: str, place: Place):
    if re.fullmatch(PAST, name) and module.startswith("channels"):
        yield "channels-1", place, PAST_CURE
    if file := case.project.modules.get(module):
        source = case.project.source(file)
        if name in source.names:
            yield "circular-import", None, (
                f"{file} est en cours d'import quand on lui demande « {name} » : deux fichiers "
                "s'importent l'un l'autre. Retirez l'un des deux imports."
            )
        elif not source.text.strip():
            yield "empty-file", Place(file), f"{file} est vide. L'avez-vous enregistré ?"
        elif near := closest(name, source.defined):
            for where in (Place(file, source.names[near]), place):
                yield "misspelt-name", where, (
                    f"{file} définit « {near} », et non « {name} ». Donnez-leur le même nom."
                )
        elif inner := _nested(source, name):
            yield "nested-name", Place(file, inner), (
                f"« {name} » est défini dans {file}, mais à l'intérieur d'autre chose : ramenez-le "
                "contre la marge."
            )
        defined = ", ".join(one for one in source.defined if not one.startswith("_")) or "rien"
        yield "missing-name", Place(file), (
            f"{file} ne définit pas « {name} » ; il définit : {defined}. Est-il enregistré ?"
        )
        if other := case.project.where_is(name):
            yield "wrong-home", place, f"« {name} » est défini dans {other.file}. Importez-le de là."
    if home := HOME.get(name):
        yield "wrong-home", place, f"« {name} » vient d'ailleurs : from {home} import {name}"
    elif near := closest(name, [*HOME, *_exported(module)]):
        yield "misspelt-name", place, (
            f"Le nom exact est « {near} » : from {HOME.get(near, module)} import {near}"
        )


def _exported(module: str) -> list[str]:
    try:
        return [name for name in dir(importlib.import_module(module)) if not name.startswith("_")]
    except Exception:
        return []


def _nested(source, name: str) -> int | None:
    """Renvoie la ligne où un nom est défini à l'intérieur d'autre chose."""
    for node in source.nodes:
        defined = isinstance(node, ast.ClassDef | FUNCTION) and node.name == name
        if defined or isinstance(node, ast.Name) and (node.id, type(node.ctx)) == (name, ast.Store):
            return node.lineno
    return None


@rule("NameError", "name '(?P<name>[^']+)'")
def undefined_name(case, error, name):
    """Un nom est employé sans avoir été défini ni importé."""
    if file := error.place.file:
        observed = f"{file}, ligne {error.place.line}, emploie « {name} », que rien ne définit."
        for code, place, cause in _undefined(case, error, name, error.place):
            yield code, place, cause, observed


def _undefined(case, error, name: str, place: Place):
    source = case.project.source(place.file)
    line = source.line(place.line)
    if good := OTHER_LANGUAGES.get(name):
        yield "other-language", place, f"En Python, cela s'écrit « {good} »."
    if re.fullmatch(PAST, name):
        yield "channels-1", place, PAST_CURE
    if place.file == settings_file(case):
        whole = f"{HOME[name]}.{name}" if name in HOME else line.partition("=")[2].strip(" ,")
        if not closest(name, source.names):
            yield "missing-quotes", place, (
                f"Un réglage nomme une classe par un texte : '{whole}'."
                if name in HOME
                else f"Un texte s'écrit entre guillemets : '{whole or name}'."
            )
    other = case.project.where_is(name)
    home = HOME.get(name)
    if other and other.file != place.file:
        home = other.file[:-3].replace("/", ".").removesuffix(".__init__")
    if home or name in sys.stdlib_module_names:
        wanted = f"from {home} import {name}" if home else f"import {name}"
        yield "missing-import", Place(place.file), (
            f"Il manque un import, en haut du fichier : {wanted}"
        )
    elif other:
        yield "used-before-definition", place, (
            f"« {name} » n'est défini que plus bas, ligne {other.line}. Déplacez sa définition "
            "au-dessus de cette ligne."
        )
    method = any(isinstance(node, FUNCTION) and node.name == name for node in source.nodes)
    if method and re.search(rf":\s*{re.escape(name)}\s*[,}}]", line):
        yield "missing-quotes", place, (
            f'Ici, c\'est un texte : écrivez-le entre guillemets, "{name}".'
        )
    elif name == "self":
        yield "missing-self", place, (
            "« self » n'existe que dans une méthode qui le reçoit en premier paramètre : def "
            "methode(self, …), dans la classe."
        )
    elif method or re.search(rf"self\.{re.escape(name)}\b", source.text):
        yield "missing-self", place, (
            f"« {name} » appartient au consommateur : écrivez « self.{name} »."
        )
    keyword = closest(name, ("async", "await", "return", "class", "import"))
    if keyword and re.match(rf"{re.escape(name)}\b", line):
        yield "misspelt-keyword", place, (
            f"« {name} » n'est pas un mot de Python. Écrivez « {keyword} »."
        )
    near = closest(name, [*HOME, *source.names, *_locals(error), *dir(builtins)])
    if near in HOME and near not in source.names:
        yield "misspelt-name", place, (
            f"Le nom exact est « {near} » : from {HOME[near]} import {near}"
        )
    elif near:
        yield "misspelt-name", place, (
            f"Le nom le plus proche est « {near} ». Écrivez-le de la même façon partout."
        )


def _locals(error) -> list[str]:
    entry, names = error.live and error.live.__traceback__, []
    while entry:
        names, entry = list(entry.tb_frame.f_locals), entry.tb_next
    return names


@rule("UnboundLocalError", "local variable '(?P<name>[^']+)'")
def used_before_assignment(case, error, name):
    """Une variable sert avant d'avoir reçu une valeur."""
    yield "used-before-assignment", error.place, (
        f"Dans cette fonction, « {name} » sert avant d'avoir reçu une valeur. Donnez-lui sa "
        "valeur plus haut, ou choisissez un autre nom."
    )


@rule("AttributeError", r"module '(?P<module>[^']+)'.* has no attribute '(?P<name>\w+)'")
def missing_in_module(case, error, module, name):
    """Un module n'a pas le nom qu'on lui demande."""
    observed = f"Le projet demande « {name} » à « {module} », qui ne l'a pas."
    if re.fullmatch(PAST, name):
        yield "channels-1", error.place, PAST_CURE, observed
    elif file := case.project.modules.get(module):
        source = case.project.source(file)
        near = closest(name, source.names)
        for place in (Place(file, source.names.get(near)), error.place) if near else ():
            yield "misspelt-name", place, (
                f"{file} définit « {near} », et non « {name} ». Donnez-leur le même nom."
            ), observed
        yield "missing-name", Place(file), (
            f"{file} ne définit pas « {name} »."
            if source.names
            else f"{file} ne définit rien. L'avez-vous enregistré ?"
        ), observed
    elif near := closest(name, [*HOME, *_exported(module)]):
        yield "misspelt-name", error.place, f"Le nom le plus proche est « {near} ».", observed


@rule("AttributeError", r"^(type object )?'(?P<kind>\w+)'( object)? has no attribute '(?P<name>\w+)'")
def missing_attribute(case, error, kind, name):
    """Un objet n'a pas l'attribut qu'on lui demande."""
    place, owner = error.place, getattr(error.live, "obj", None)
    source = case.project.source(place.file) if place.file else None
    own = re.findall(r"self\.(\w+)\s*(?::[^=]+)?=", source.text) if source else []
    methods = [node.name for node in source.nodes if isinstance(node, FUNCTION)] if source else []
    near = closest(name, [*own, *methods, *(one for one in dir(owner) if one[:2] != "__")])
    if not source:
        return
    if kind == "coroutine":
        yield "coroutine-not-awaited", place, (
            f"Il manque « await » : on demande « {name} » à une coroutine que personne n'a "
            "attendue."
        )
    elif kind == "AnonymousUser":
        yield "anonymous-user", place, (
            f"Une personne non connectée n'a pas « {name} ». Demandez d'abord si "
            "« user.is_authenticated »."
        )
    elif kind == "dict":
        yield "dict-attribute", place, (
            f"Un dictionnaire n'a pas d'attribut « {name} » : sa clé s'écrit entre crochets, "
            f'["{name}"].'
        )
    elif name in ("request", "message") and hasattr(owner, "scope"):
        yield "request", place, (
            "Un consommateur n'a pas de requête. Tout ce que l'on sait de la connexion est dans "
            'self.scope : self.scope["user"], par exemple.'
        )
    elif name.startswith("group_") and hasattr(owner, "channel_layer"):
        yield "misspelt-attribute", place, (
            f"« {name} » appartient à la couche de canaux : self.channel_layer.{name}(…)."
        )
    elif name in own:
        yield "attribute-set-too-late", place, (
            f"« self.{name} » n'a pas encore de valeur à ce moment : la ligne qui la lui donne "
            "n'a pas été exécutée avant celle-ci."
        )
    elif near:
        yield "misspelt-attribute", place, (
            f"Le nom le plus proche est « {near} ». Écrivez-le de la même façon partout."
        )
    elif hasattr(owner, "channel_name"):
        yield "missing-attribute", place, (
            f"Rien ne donne de valeur à « self.{name} » : il faut « self.{name} = … » dans "
            "connect, ou une méthode de ce nom dans la classe."
        )
