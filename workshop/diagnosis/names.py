"""Les noms : importés et absents, non définis, mal orthographiés, ou d'un autre temps."""

import ast
import builtins
import importlib
import importlib.util
import pkgutil
import re
import sys

from workshop.project.python import settings_module
from workshop.project.sources import Place, closest

HOMES = {
    "channels.auth": ("AuthMiddlewareStack", "AuthMiddleware"),
    "channels.db": ("database_sync_to_async",),
    "channels.generic.websocket": (
        "AsyncWebsocketConsumer",
        "WebsocketConsumer",
        "AsyncJsonWebsocketConsumer",
        "JsonWebsocketConsumer",
    ),
    "channels.layers": ("get_channel_layer", "InMemoryChannelLayer"),
    "channels.routing": ("ProtocolTypeRouter", "URLRouter"),
    "channels.security.websocket": (
        "AllowedHostsOriginValidator",
        "OriginValidator",
        "WebsocketDenier",
    ),
    "channels.sessions": ("SessionMiddlewareStack", "CookieMiddleware", "SessionMiddleware"),
    "asgiref.sync": ("async_to_sync", "sync_to_async"),
    "django.core.asgi": ("get_asgi_application",),
    "django.urls": ("path", "re_path", "include"),
    "django.contrib": ("admin",),
    "websockets.sync.client": ("connect",),
    "websockets.exceptions": ("ConnectionClosed", "InvalidMessage", "InvalidStatus"),
}
HOME = {name: module for module, names in HOMES.items() for name in names}
PAST = {
    "Group",
    "Channel",
    "route",
    "route_class",
    "channel_session",
    "channel_session_user",
    "channel_session_user_from_http",
    "http_session",
    "AsgiHandler",
    "enforce_ordering",
}
PAST_MODULES = (
    "asgiref.inmemory",
    "channels.asgi",
    "channels.handler",
    "channels.staticfiles",
    "channels.http",
    "channels.tests",
    "django.core.urlresolvers",
)
OURS = {"django": "Django", "channels": "channels", "daphne": "daphne", "websockets": "websockets"}
OTHER_LANGUAGES = {
    "true": "True",
    "false": "False",
    "null": "None",
    "none": "None",
    "undefined": "None",
    "this": "self",
}
PAST_CURE = (
    "C'est l'écriture de la première génération de Channels, celle de 2016. La rubrique "
    "« En 2016 » du chapitre 05 donne, ligne à ligne, ce qui la remplace."
)


def missing_module(case):
    """Un module importé n'existe pas sous ce nom."""
    error, found = case.find("ModuleNotFoundError", r"No module named '([^']+)'")
    if not error:
        return None
    name, place = found[1], error.place
    observed = f"Le projet importe « {name} », que Python ne trouve pas."
    settings = settings_module(case.project.folder)
    if settings.startswith(name) and not case.project.has(settings.replace(".", "/") + ".py"):
        others = [file for file in case.project.files if file.endswith("/settings.py")]
        shown = f" ; les vôtres sont dans {others[0]}" if others else ""
        return case.says(
            "settings-module",
            f"manage.py cherche les réglages dans « {settings} »{shown}. Donnez-leur le même nom.",
            _literal_line(case, "manage.py", settings),
            observed,
        )
    if name in PAST_MODULES or any(name.startswith(f"{past}.") for past in PAST_MODULES):
        return case.says("channels-1", PAST_CURE, place, observed)
    root = name.split(".")[0]
    apps = list(getattr(case.settings, "INSTALLED_APPS", ()))
    if place.file in ("", "manage.py"):
        place = _setting(case, "INSTALLED_APPS", name) or place
    for app in map(str, apps):
        if app.startswith(name) and (pieces := _glued(case, app)):
            return case.says(
                "missing-comma",
                f"« {app} » est « {pieces[0]} » collé à « {pieces[1]} » : deux textes qui se "
                "suivent sans virgule n'en font qu'un. Ajoutez la virgule qui manque.",
                _setting(case, "INSTALLED_APPS", pieces[0]) or place,
                observed,
            )
    if hidden := shadowed(case, root, observed):
        return hidden
    if root in OURS and "." not in name:
        return case.says(
            "not-installed",
            f"{OURS[root]} n'est pas installé dans l'environnement du projet. Dans le terminal "
            "« projet », environnement actif, tapez : python -m pip install -r requirements.txt "
            "-c ../constraints.txt",
            place,
            observed,
        )
    for module, file in case.project.modules.items():
        if (
            module != name
            and module.rpartition(".")[2] == name.rpartition(".")[2]
            and not module.startswith("live.settings")
        ):
            cure = f"Votre module est {file}, et s'importe par « {module} »."
            if file.startswith(("live/", "chat/")) and file.count("/") > name.count("."):
                cure = (
                    f"Votre module est {file}, un étage trop bas. Déplacez-le à côté de manage.py."
                )
            elif file.count("/") < name.count("."):
                wanted = name.replace(".", "/")
                cure = (
                    f"Votre module est {file}. Déplacez-le : le projet le cherche dans {wanted}.py."
                )
            if (case.project.folder / file).name == "__init__.py":
                folder = file.rpartition("/")[0]
                cure = (
                    f"Le dossier {folder} n'est pas où le projet le cherche. Déplacez-le à côté "
                    "de manage.py."
                    if "/" in folder
                    else cure
                )
            return case.says(
                "misplaced-module", cure, Place(file) if not place.file else place, observed
            )
    known = [*case.project.modules, *_installed(name)]
    if near := closest(name, known):
        return case.says(
            "misspelt-module",
            f"Ce nom n'existe pas. Le plus proche est « {near} ».",
            place,
            observed,
        )
    renamed = _near_file(case, name)
    if renamed:
        return case.says(
            "misplaced-module",
            f"Votre fichier s'appelle {renamed}. Renommez-le {name.replace('.', '/')}.py.",
            place,
            observed,
        )
    if root in case.project.modules:
        return case.says(
            "missing-file",
            f"Le fichier {name.replace('.', '/')}.py n'existe pas. Est-il écrit, et enregistré "
            "sous ce nom ?",
            place,
            observed,
        )
    if name in apps:
        return case.says(
            "missing-app",
            f"INSTALLED_APPS nomme « {name} », et il n'y a ni dossier ni paquet de ce nom. "
            "Vérifiez l'orthographe ; si c'est votre application, a-t-elle été créée par "
            "startapp, à côté de manage.py ?",
            place,
            observed,
        )
    return case.says(
        "missing-module",
        "Ce nom n'existe ni dans votre projet, ni dans son environnement. Vérifiez l'orthographe "
        "de l'import.",
        place,
        observed,
    )


def missing_name(case):
    """Un nom importé n'est pas dans le module qui devrait le donner."""
    error, found = case.find(
        "ImportError",
        r"cannot import name '([^']+)' from (partially initialized module )?'([^']+)'",
    )
    if not error:
        return None
    name, partial, module = found.groups()
    place = error.place
    observed = f"Le projet importe « {name} » de « {module} », qui ne le contient pas."
    if name in PAST and module.startswith("channels"):
        return case.says("channels-1", PAST_CURE, place, observed)
    if hidden := shadowed(case, module.split(".")[0], observed):
        return hidden
    if file := case.project.modules.get(module):
        source = case.project.source(file)
        if name in source.names and partial:
            return case.says(
                "circular-import",
                f"{file} est en cours d'import quand on lui demande « {name} » : deux fichiers "
                "s'importent l'un l'autre. Retirez l'un des deux imports.",
                place,
                observed,
            )
        if not source.text.strip():
            return case.says(
                "empty-file", f"{file} est vide. L'avez-vous enregistré ?", Place(file), observed
            )
        if near := closest(name, source.defined):
            return case.says(
                "misspelt-name",
                f"{file} définit « {near} », et non « {name} ». Donnez-leur le même nom.",
                Place(file, source.names[near]),
                observed,
            )
        if inner := _nested(source, name):
            return case.says(
                "nested-name",
                f"« {name} » est défini dans {file}, mais à l'intérieur d'autre chose : "
                "ramenez-le contre la marge.",
                Place(file, inner),
                observed,
            )
        if home := HOME.get(name):
            return case.says(
                "wrong-home",
                f"« {name} » vient d'ailleurs : from {home} import {name}",
                place,
                observed,
            )
        if other := case.project.where_is(name):
            return case.says(
                "wrong-home",
                f"« {name} » est défini dans {other.file}. Importez-le de là.",
                place,
                observed,
            )
        defined = ", ".join(name for name in source.defined if not name.startswith("_")) or "rien"
        return case.says(
            "missing-name",
            f"{file} ne définit pas « {name} » ; il définit : {defined}. Est-il enregistré ?",
            Place(file),
            observed,
        )
    if home := HOME.get(name):
        return case.says(
            "wrong-home",
            f"« {name} » vient d'ailleurs : from {home} import {name}",
            place,
            observed,
        )
    if near := closest(name, [*HOME, *_exported(module)]):
        home = HOME.get(near, module)
        return case.says(
            "misspelt-name",
            f"Le nom exact est « {near} » : from {home} import {near}",
            place,
            observed,
        )
    return case.says(
        "missing-name",
        f"« {module} » n'a rien de ce nom. Vérifiez l'orthographe de l'import.",
        place,
        observed,
    )


def undefined_name(case):
    """Un nom est employé sans avoir été défini ni importé."""
    error, found = case.find("NameError|UnboundLocalError", r"(?:name|local variable) '([^']+)'")
    if not error or not error.place.file:
        return None
    name, place = found[1], error.place
    observed = f"{place.file}, ligne {place.line}, emploie « {name} », que rien ne définit."
    if error.kind == "UnboundLocalError":
        return case.says(
            "used-before-assignment",
            f"Dans cette fonction, « {name} » sert avant d'avoir reçu une valeur. Donnez-lui sa "
            "valeur plus haut, ou choisissez un autre nom.",
            place,
            observed,
        )
    if good := OTHER_LANGUAGES.get(name):
        return case.says("other-language", f"En Python, cela s'écrit « {good} ».", place, observed)
    if name in PAST:
        return case.says("channels-1", PAST_CURE, place, observed)
    source = case.project.source(place.file)
    line = source.line(place.line)
    if name in HOME and place.file.endswith("settings.py"):
        return case.says(
            "missing-quotes",
            f"Un réglage nomme une classe par un texte : '{HOME[name]}.{name}'.",
            place,
            observed,
        )
    if home := HOME.get(name):
        return case.says(
            "missing-import",
            f"Il manque un import, en haut du fichier : from {home} import {name}",
            place,
            observed,
        )
    if name in sys.stdlib_module_names:
        return case.says(
            "missing-import",
            f"Il manque un import, en haut du fichier : import {name}",
            place,
            observed,
        )
    if other := case.project.where_is(name):
        if other.file != place.file:
            module = other.file[:-3].replace("/", ".").removesuffix(".__init__")
            return case.says(
                "missing-import",
                f"Il manque un import, en haut du fichier : from {module} import {name}",
                place,
                observed,
            )
        return case.says(
            "used-before-definition",
            f"« {name} » n'est défini que plus bas, ligne {other.line}. Déplacez sa définition "
            "au-dessus de cette ligne.",
            place,
            observed,
        )
    method = any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
        for node in source.nodes
    )
    attribute = re.search(rf"self\.{re.escape(name)}\b", source.text)
    if method and re.search(rf":\s*{re.escape(name)}\s*[,}}]", line):
        return case.says(
            "missing-quotes",
            f'Ici, c\'est un texte : écrivez-le entre guillemets, "{name}".',
            place,
            observed,
        )
    if (method or attribute) and name != "self":
        return case.says(
            "missing-self",
            f"« {name} » appartient au consommateur : écrivez « self.{name} ».",
            place,
            observed,
        )
    if name == "self":
        return case.says(
            "missing-self",
            "« self » n'existe que dans une méthode qui le reçoit en premier paramètre : def "
            "methode(self, …), dans la classe.",
            place,
            observed,
        )
    near = closest(name, ("async", "await", "return", "class", "import"))
    if near and re.match(rf"{re.escape(name)}\b", line):
        return case.says(
            "misspelt-keyword",
            f"« {name} » n'est pas un mot de Python. Écrivez « {near} ».",
            place,
            observed,
        )
    known = [*HOME, *source.names, *_locals(error), *dir(builtins)]
    if near := closest(name, known):
        if near in HOME and near not in source.names:
            return case.says(
                "misspelt-name",
                f"Le nom exact est « {near} » : from {HOME[near]} import {near}",
                place,
                observed,
            )
        return case.says(
            "misspelt-name",
            f"Le nom le plus proche est « {near} ». Écrivez-le de la même façon partout.",
            place,
            observed,
        )
    quoted = re.search(rf"(?<!['\"\w]){re.escape(name)}(?!['\"\w])", line)
    if quoted and place.file.endswith("settings.py"):
        whole = line.partition("=")[2].strip().rstrip(",") or name
        return case.says(
            "missing-quotes", f"Un texte s'écrit entre guillemets : '{whole}'.", place, observed
        )
    return case.says(
        "undefined-name",
        "Vérifiez son orthographe, et que la ligne qui le définit est bien au-dessus de celle-ci.",
        place,
        observed,
    )


def missing_attribute(case):
    """Un module ou un objet n'a pas l'attribut qu'on lui demande."""
    error, found = case.find(
        "AttributeError",
        r"(?:module '([^']+)'|'(\w+)' object|type object '(\w+)').* has no attribute '(\w+)'",
    )
    if not error:
        return None
    module, kind, _cls, name = found.groups()
    place = error.place
    observed = case.observed if not place.file else ""
    if module:
        observed = f"Le projet demande « {name} » à « {module} », qui ne l'a pas."
        if name in PAST:
            return case.says("channels-1", PAST_CURE, place, observed)
        if hidden := shadowed(case, module.split(".")[0], observed):
            return hidden
        if file := case.project.modules.get(module):
            names = case.project.source(file).names
            if near := closest(name, names):
                return case.says(
                    "misspelt-name",
                    f"{file} définit « {near} », et non « {name} ». Donnez-leur le même nom.",
                    Place(file, names[near]),
                    observed,
                )
            if not names:
                return case.says(
                    "empty-file",
                    f"{file} ne définit rien. L'avez-vous enregistré ?",
                    Place(file),
                    observed,
                )
            return (
                case.says(
                    "missing-name", f"{file} ne définit pas « {name} ».", Place(file), observed
                )
                if place.file
                else None
            )
        if near := closest(name, [*HOME, *_exported(module)]):
            return case.says(
                "misspelt-name", f"Le nom le plus proche est « {near} ».", place, observed
            )
        return None
    if not place.file:
        return None
    if kind == "coroutine":
        return case.says(
            "coroutine-not-awaited",
            f"Il manque « await » : on demande « {name} » à une coroutine que personne n'a "
            "attendue.",
            place,
        )
    if kind == "AnonymousUser":
        return case.says(
            "anonymous-user",
            f"Une personne non connectée n'a pas « {name} ». Demandez d'abord si "
            "« user.is_authenticated ».",
            place,
        )
    if kind == "dict":
        return case.says(
            "dict-attribute",
            f"Un dictionnaire n'a pas d'attribut « {name} » : sa clé s'écrit entre crochets, "
            f'["{name}"].',
            place,
        )
    owner = getattr(error.live, "obj", None)
    if name in ("request", "message") and owner is not None and hasattr(owner, "scope"):
        return case.says(
            "channels-1" if name == "message" else "request",
            "Un consommateur n'a pas de requête. Tout ce que l'on sait de la connexion est dans "
            'self.scope : self.scope["user"], par exemple.',
            place,
        )
    if name.startswith("group_") and hasattr(owner, "channel_layer"):
        return case.says(
            "misspelt-attribute",
            f"« {name} » appartient à la couche de canaux : self.channel_layer.{name}(…).",
            place,
        )
    source = case.project.source(place.file)
    own = re.findall(r"self\.(\w+)\s*(?::[^=]+)?=", source.text)
    methods = [
        node.name
        for node in source.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    names = [
        *own,
        *methods,
        *([each for each in dir(owner) if not each.startswith("__")] if owner is not None else ()),
    ]
    if name in own and owner is not None:
        return case.says(
            "attribute-set-too-late",
            f"« self.{name} » n'a pas encore de valeur à ce moment : la ligne qui la lui donne "
            "n'a pas été exécutée avant celle-ci.",
            place,
        )
    if near := closest(name, names):
        return case.says(
            "misspelt-attribute",
            f"Le nom le plus proche est « {near} ». Écrivez-le de la même façon partout.",
            place,
        )
    if owner is not None and hasattr(owner, "channel_name"):
        return case.says(
            "missing-attribute",
            f"Rien ne donne de valeur à « self.{name} » : il faut « self.{name} = … » dans "
            "connect, ou une méthode de ce nom dans la classe.",
            place,
        )
    return None


def shadowed(case, root: str, observed: str):
    """Le diagnostic d'un fichier ou d'un dossier du projet qui cache un vrai paquet."""
    if root not in (*OURS, "twisted", "asgiref", "autobahn", *sys.stdlib_module_names):
        return None
    for name in (f"{root}.py", root):
        if any(file == name or file.startswith(f"{name}/") for file in case.project.files):
            return case.says(
                "shadowed-package",
                f"Votre projet contient {name}, qui cache le vrai paquet {root}. Renommez "
                "le vôtre.",
                Place(name),
                observed,
            )
    return None


def _glued(case, name: str) -> tuple[str, str] | None:
    """Renvoie les deux applications dont ce nom est fait, s'il l'est."""
    contrib = ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
    known = {*case.project.modules, *OURS, *(f"django.contrib.{app}" for app in contrib)}
    cuts = ((name[:i], name[i:]) for i in range(1, len(name)))
    return next(((left, right) for left, right in cuts if {left, right} <= known), None)


def _installed(name: str) -> list[str]:
    """Renvoie les modules installés parmi lesquels chercher une faute de frappe."""
    package, _, _ = name.rpartition(".")
    found = [*HOMES, *OURS, "django.contrib.auth", "django.contrib.staticfiles"]
    try:
        spec = importlib.util.find_spec(package) if package else None
    except (ImportError, ValueError):
        spec = None
    if spec and spec.submodule_search_locations:
        found += [
            f"{package}.{each.name}"
            for each in pkgutil.iter_modules(spec.submodule_search_locations)
        ]
    return found


def _near_file(case, name: str) -> str | None:
    wanted = name.replace(".", "/") + ".py"
    folder = wanted.rpartition("/")[0]
    near = [
        file for file in case.project.files if file.rpartition("/")[0] == folder and file != wanted
    ]
    for file in near:
        if file.casefold() == wanted.casefold() or file in (f"{wanted}.txt", wanted[:-3]):
            return file
    return closest(wanted, near)


def _exported(module: str) -> list[str]:
    try:
        return [name for name in dir(importlib.import_module(module)) if not name.startswith("_")]
    except Exception:
        return []


def _nested(source, name: str) -> int | None:
    for node in source.nodes:
        if (
            isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.name == name
        ):
            return node.lineno
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return node.lineno
    return None


def _locals(error) -> list[str]:
    entry = error.live and error.live.__traceback__
    names = []
    while entry:
        names = list(entry.tb_frame.f_locals)
        entry = entry.tb_next
    return names


def _literal_line(case, file: str, text: str) -> Place:
    """Renvoie la ligne d'un fichier qui contient un texte, sinon le fichier."""
    lines = case.project.source(file).lines if case.project.has(file) else []
    return Place(file, next((n for n, line in enumerate(lines, 1) if text in line), None))


def _setting(case, setting: str, value: str) -> Place | None:
    """Renvoie la ligne des réglages qui contient une valeur, entre guillemets."""
    from workshop.diagnosis.settings import place_of

    place = place_of(case, setting)
    if not place:
        return None
    for number, line in enumerate(case.project.source(place.file).lines, 1):
        if re.search(rf"['\"]{re.escape(value)}", line):
            return Place(place.file, number)
    return place
