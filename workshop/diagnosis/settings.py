"""Les réglages : absents, mal nommés, de la mauvaise forme, ou que Django refuse."""

import ast
import inspect
import re
import sys
import zoneinfo

from workshop.project.sources import Place, closest

KINDS = {
    str: "un texte",
    list: "une liste",
    tuple: "une liste",
    dict: "un dictionnaire",
    bool: "True ou False",
    int: "un nombre",
}
GIVEN = {
    str: "un texte",
    list: "une liste",
    tuple: "un tuple",
    dict: "un dictionnaire",
    set: "un ensemble",
    bool: "True ou False",
    int: "un nombre",
    type(None): "None",
}
MINIMUM = {"ASGI_APPLICATION": "", "CHANNEL_LAYERS": {}, "ROOT_URLCONF": ""}
LAYER = "CHANNEL_LAYERS = {'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}}"


def settings_file(case) -> str:
    """Renvoie le fichier des réglages, relatif au projet."""
    from workshop.project.python import settings_module

    return settings_module(case.project.folder).replace(".", "/") + ".py"


def place_of(case, name: str) -> Place | None:
    """Renvoie la dernière ligne qui donne sa valeur à un réglage."""
    file = settings_file(case)
    if not case.project.has(file):
        return None
    line = case.project.source(file).names.get(name)
    return Place(file, line) if line else None


def value_of(case, name: str):
    """Renvoie la valeur d'un réglage du projet, ou None."""
    return getattr(case.settings, name, None)


def misnamed(case, name: str):
    """Le diagnostic d'un réglage dont le nom ressemble à celui-ci sans l'être."""
    file = settings_file(case)
    if not case.project.has(file):
        return None
    names = case.project.source(file).names
    near = closest(name, [other for other in names if other != name and other not in _known()])
    if not near:
        return None
    return case.says(
        "misnamed-setting",
        f"Django ne lit pas « {near} ». Le réglage s'appelle {name}.",
        Place(file, names[near]),
    )


def set_twice(case, name: str):
    """Le diagnostic d'un réglage qui reçoit deux fois une valeur."""
    lines = _assigned(case, name)
    if len(lines) < 2:
        return None
    return case.says(
        "set-twice",
        f"{name} reçoit une valeur deux fois, lignes {lines[0]} et {lines[-1]} : la dernière "
        "l'emporte. N'en gardez qu'une.",
        Place(settings_file(case), lines[-1]),
    )


def not_installed(case, app: str):
    """Le diagnostic d'une application de Django qui n'est plus dans INSTALLED_APPS."""
    return set_twice(case, "INSTALLED_APPS") or case.says(
        "missing-in-setting",
        f"Il manque « {app} » dans INSTALLED_APPS. Remettez la ligne que startproject "
        "avait écrite.",
        place_of(case, "INSTALLED_APPS"),
    )


def absent(case, name: str, wanted: str):
    """Le diagnostic d'un réglage absent, mal nommé, ou écrit dans un autre fichier."""
    file = settings_file(case)
    if near := misnamed(case, name):
        return near
    for source in case.project.sources:
        if name in source.names and source.name != file:
            return case.says(
                "misplaced-setting",
                f"Ce réglage est dans {source.name}, où Django ne le lit pas. Déplacez-le dans "
                f"{file}.",
                Place(source.name, source.names[name]),
            )
    for source in case.project.sources:
        if source.name == file:
            for node in source.nodes:
                if (
                    isinstance(node, ast.Name)
                    and node.id == name
                    and isinstance(node.ctx, ast.Store)
                ):
                    return case.says(
                        "nested-setting",
                        f"{name} est à l'intérieur d'autre chose. Ramenez la ligne contre la "
                        "marge.",
                        Place(file, node.lineno),
                    )
            for number, line in enumerate(source.lines, 1):
                if re.match(rf"\s*#\s*{name}\b", line):
                    return case.says(
                        "commented-setting",
                        f"La ligne de {name} est un commentaire : retirez le « # ».",
                        Place(file, number),
                    )
    return case.says("missing-setting", f"Il manque un réglage : {wanted}", Place(file))


def wrong_shape(case):
    """Un réglage n'a pas la forme que Django attend."""
    if not case.settings or not _speaks_of_settings(case):
        return None
    from django.conf import global_settings

    for name in dir(case.settings):
        if not name.isupper():
            continue
        value = getattr(case.settings, name)
        model = MINIMUM.get(name, getattr(global_settings, name, None))
        if model is None or value is None:
            continue
        kinds = (
            (list, tuple)
            if isinstance(model, list | tuple)
            else (str,)
            if isinstance(model, str)
            else (dict,)
            if isinstance(model, dict)
            else ()
        )
        if (
            not kinds
            or isinstance(value, kinds)
            or (
                isinstance(model, str)
                and not isinstance(value, str)
                and hasattr(value, "__fspath__")
            )
        ):
            continue
        if (
            name in ("EMAIL_HOST", "MEDIA_ROOT", "STATIC_ROOT")
            or type(value).__name__ == "__proxy__"
        ):
            continue
        cause = (
            f"{name} doit être {KINDS[kinds[0]]}, et c'est "
            f"{GIVEN.get(type(value), type(value).__name__)}."
        )
        if isinstance(value, tuple) and len(value) == 1 and kinds == (str,):
            cause += " Une virgule à la fin de la ligne en fait un tuple : retirez-la."
        elif isinstance(value, str) and list in kinds:
            cause += " Mettez les textes entre crochets, séparés par des virgules."
        return case.says("wrong-shape", cause, place_of(case, name))
    apps = value_of(case, "INSTALLED_APPS")
    letters = [app for app in apps or () if isinstance(app, str) and len(app) == 1]
    if len(letters) > 1:
        return case.says(
            "letters",
            "Un texte ajouté à INSTALLED_APPS s'y range lettre par lettre. Mettez-le entre "
            "crochets : += ['chat'].",
            _line(case, "INSTALLED_APPS", "+="),
        )
    layers = value_of(case, "CHANNEL_LAYERS")
    if isinstance(layers, dict) and layers:
        for name, layer in layers.items():
            if not isinstance(layer, dict):
                return case.says(
                    "wrong-shape",
                    f"Dans CHANNEL_LAYERS, « {name} » doit être un dictionnaire : {{'BACKEND': "
                    "'channels.layers.InMemoryChannelLayer'}",
                    place_of(case, "CHANNEL_LAYERS"),
                )
    return None


def asgi_application(case):
    """ASGI_APPLICATION manque, ou ne mène nulle part."""
    error, _ = case.find("CommandError", "You have not set ASGI_APPLICATION")
    if error:
        return absent(case, "ASGI_APPLICATION", "ASGI_APPLICATION = 'live.asgi.application'")
    error, _found = case.find(
        "ImproperlyConfigured|CommandError|AttributeError|ModuleNotFoundError|ImportError|ValueError",
        r"Cannot (?:import|find) .*ASGI_APPLICATION|not enough values to unpack|Empty module "
        r"name|module '[\w.]+' has no attribute",
    )
    value = value_of(case, "ASGI_APPLICATION")
    if not isinstance(value, str) or not value:
        return None
    module, _, name = value.rpartition(".")
    package = settings_file(case).rpartition("/")[0].replace("/", ".")
    wanted = f"{package}.asgi.application"
    place = place_of(case, "ASGI_APPLICATION")
    if inspect.isfunction(case.application) and case.application.__name__ == "get_asgi_application":
        from workshop.diagnosis.routing import entrance

        return case.says(
            "not-called",
            "L'application est la fonction elle-même. Ajoutez les parenthèses : "
            "get_asgi_application().",
            entrance(case),
        )
    if type(case.application).__name__ == "WSGIHandler" or value.endswith("wsgi.application"):
        return case.says(
            "wsgi-application",
            "ASGI_APPLICATION mène à l'ancienne entrée, WSGI, qui ne sert que les pages. Écrivez "
            f"'{wanted}'.",
            place,
        )
    if module not in case.project.modules or re.search(r"[:/]", value):
        if not case.errors:
            return None
        if (
            re.search(r"[:/]", value)
            or value == f"{package}.asgi"
            or not module
            or any(
                error.kind in ("ModuleNotFoundError", "ImproperlyConfigured")
                and (module in error.message or value in error.message)
                for error in case.errors
            )
        ):
            return case.says(
                "asgi-application",
                f"ASGI_APPLICATION vaut « {value} », qui ne mène nulle part. Écrivez '{wanted}' : "
                "le dossier, le fichier sans .py, puis le nom dans ce fichier.",
                place,
            )
        return None
    source = case.project.source(case.project.modules[module])
    if source.tree and name not in source.names and not _stars(source) and error:
        if near := _application_in(module) or closest(name, source.defined):
            return case.says(
                "asgi-application",
                f"ASGI_APPLICATION nomme « {name} », mais {source.name} définit « {near} ». "
                "Donnez-leur le même nom.",
                Place(source.name, source.names[near]),
            )
        if value == f"{package}.asgi":
            return case.says(
                "asgi-application",
                f"ASGI_APPLICATION vaut « {value} », qui ne mène nulle part. Écrivez '{wanted}' : "
                "le dossier, le fichier sans .py, puis le nom dans ce fichier.",
                place,
            )
        if not source.text.strip():
            return case.says(
                "empty-file",
                f"{source.name} est vide. L'avez-vous enregistré ?",
                Place(source.name),
            )
        return case.says(
            "asgi-application",
            f"{source.name} ne définit pas « {name} », que demande ASGI_APPLICATION. Sa dernière "
            f"ligne commence par « {name} = ».",
            Place(source.name),
        )
    return None


def _application_in(module: str) -> str | None:
    """Renvoie le nom que porte l'application dans un module déjà importé."""
    found = [
        name
        for name, value in vars(sys.modules.get(module, ast)).items()
        if type(value).__name__ == "ProtocolTypeRouter"
    ]
    return found[0] if found else None


def system_check(case):
    """Django contrôle les réglages avant de démarrer, et les refuse."""
    found = re.search(r"\((\w+\.[EW]\d+)\) (.+?)(?:\n\s*HINT: (.+))?(?:\n|$)", case.log)
    if not found or "SystemCheckError" not in case.log:
        return None
    code, text, hint = found.groups()
    observed = f"Django contrôle les réglages avant de démarrer, et refuse ceux-ci ({code})."
    if code == "daphne.E001":
        return case.says(
            "daphne-not-first",
            "« daphne » est inscrit trop bas dans INSTALLED_APPS : il doit venir avant "
            "django.contrib.staticfiles. Mettez-le en premier.",
            _line(case, "INSTALLED_APPS", "daphne"),
            observed,
        )
    if code.startswith("translation."):
        value = value_of(case, "LANGUAGE_CODE")
        return case.says(
            "language-code",
            f"LANGUAGE_CODE vaut « {value} », qui n'est pas un code de langue. Écrivez 'fr-fr'.",
            place_of(case, "LANGUAGE_CODE"),
            observed,
        )
    names = re.findall(r"'([\w.]+)' must be in (\w+)", text + (hint or ""))
    if names:
        missing, setting = names[0]
        return case.says(
            "missing-in-setting",
            f"Il manque « {missing} » dans {setting}. Remettez la ligne que startproject avait "
            "écrite.",
            place_of(case, setting),
            observed,
        )
    return case.says(
        "system-check", f"Django dit : {text}{' ' + hint if hint else ''}", None, observed
    )


def refused_settings(case):
    """Django ou Channels disent, par une exception, qu'un réglage ne convient pas."""
    error, found = case.find("ValueError", r"Incorrect timezone setting: (.*)")
    if error:
        return _time_zone(case, found[1])
    error, _ = case.find("CommandError", "You must set settings.ALLOWED_HOSTS if DEBUG is False")
    if error:
        return case.says(
            "debug-false",
            "DEBUG vaut False, et Django demande alors la liste ALLOWED_HOSTS. Pendant l'atelier, "
            "remettez DEBUG = True.",
            place_of(case, "DEBUG"),
        )
    error, found = case.find(
        "ImproperlyConfigured", r"Application (?:labels|names) aren't unique, duplicates: ([\w.]+)"
    )
    if error:
        return case.says(
            "duplicate-app",
            f"« {found[1]} » est inscrit deux fois dans INSTALLED_APPS. Retirez-en un.",
            _line(case, "INSTALLED_APPS", found[1], last=True),
        )
    error, found = case.find("ImportError", r"^(\S+) doesn't look like a module path")
    if error:
        return case.says(
            "middleware-path",
            f"MIDDLEWARE contient des chemins de classes, et « {found[1]} » n'en est pas un. "
            "Retirez-le ; une application s'inscrit dans INSTALLED_APPS.",
            _line(case, "MIDDLEWARE", f"'{found[1]}'", last=True),
        )
    error, found = case.find("ImproperlyConfigured", r"The SECRET_KEY setting must not be empty")
    if error:
        return absent(case, "SECRET_KEY", "SECRET_KEY = 'un texte long et tiré au hasard'")
    error, found = case.find(
        "ImproperlyConfigured", r"Cannot import '([\w.]+)'\. Check that '([\w.]+)\.name' is correct"
    )
    if error:
        return case.says(
            "app-name",
            f"Dans la classe {found[2].rpartition('.')[2]}, « name » vaut « {found[1]} », qui "
            "n'existe pas : c'est le nom du dossier de l'application.",
            case.project.where_is(found[2].rpartition(".")[2]),
        )
    error, found = case.find(
        "ImportError",
        r"Module '([\w.]+)' does not contain a '(\w+)' class(?:\. Choices are: (.*)\.)?",
    )
    if error:
        return case.says(
            "app-config",
            f"INSTALLED_APPS nomme {found[1]}.{found[2]}, qui n'existe pas."
            + (f" Il y a : {found[3]}." if found[3] else ""),
            _line(case, "INSTALLED_APPS", found[2]),
        )
    for kind, pattern in (
        (
            "LookupError",
            r"No installed app with label '(admin|auth|contenttypes|sessions|messages)'",
        ),
        ("RuntimeError", r"Model class django\.contrib\.(\w+)\."),
    ):
        error, found = case.find(kind, pattern)
        if error:
            return not_installed(case, f"django.contrib.{found[1]}")
    error, found = case.find(
        "RuntimeError", r"Model class (\S+) doesn't declare an explicit app_label"
    )
    if error:
        return case.says(
            "app-not-installed",
            f"{found[1]} est un modèle d'une application qui n'est pas inscrite. Ajoutez-la à "
            "INSTALLED_APPS.",
            place_of(case, "INSTALLED_APPS"),
        )
    return None


def layers(case):
    """La couche de canaux manque, ou Channels la refuse."""
    place = place_of(case, "CHANNEL_LAYERS")
    value = value_of(case, "CHANNEL_LAYERS")
    error, _ = case.find(
        "AttributeError", r"'NoneType' object has no attribute '(group_|send|new_channel|receive)"
    )
    if error and (not place or isinstance(value, dict)):
        observed = "Il n'y a pas de couche de canaux : self.channel_layer vaut None."
        if not value:
            found = absent(case, "CHANNEL_LAYERS", LAYER)
            return case.says(found.code, found.cause, Place(found.file or "", found.line), observed)
        if "default" not in value:
            shown = ", ".join(f"« {name} »" for name in value)
            return case.says(
                "layer-default",
                f"La couche de canaux s'appelle « default », et la vôtre {shown}.",
                place,
                observed,
            )
    error, found = case.find("InvalidChannelLayerError", "(.*)")
    if not error:
        return _redis(case, place)
    message = found[1]
    if "ROUTING" in message:
        return case.says(
            "channels-1",
            "La clé ROUTING est celle de la première génération de Channels : les routes sont "
            "maintenant dans live/asgi.py. Retirez-la.",
            _line(case, "CHANNEL_LAYERS", "ROUTING"),
        )
    if named := re.search(r"Cannot import BACKEND '?([\w.]+)'? specified", message):
        backend = named[1]
        cause = f"BACKEND vaut « {backend} », qui n'existe pas. "
        if backend.startswith("asgiref"):
            cause = "C'est la couche de la première génération de Channels. "
        elif backend.startswith("channels_redis"):
            cause = "Cette couche demande le paquet channels_redis, qui n'est pas installé. "
        return case.says(
            "layer-backend",
            cause + "Écrivez 'channels.layers.InMemoryChannelLayer'.",
            _line(case, "CHANNEL_LAYERS", backend),
        )
    return case.says(
        "layer-backend", f"Channels refuse cette couche : {message}. Écrivez {LAYER}", place
    )


def _redis(case, place):
    error, _found = case.find(
        r"ConnectionError|ConnectionRefusedError|\w*TimeoutError",
        r"(?:connecting to|Connect call failed \()\s*'?([\w.:]+)'?",
    )
    backend = str((value_of(case, "CHANNEL_LAYERS") or {}).get("default", ""))
    if error and "redis" in backend:
        return case.says(
            "no-redis",
            "La couche de canaux est Redis, et aucun serveur Redis ne répond. Jusqu'au chapitre "
            "10, prenez 'channels.layers.InMemoryChannelLayer'.",
            place,
        )
    return None


def french(case):
    """La page n'est pas en français."""
    if case.goal != "test_french" or "français" not in case.said:
        return None
    value, i18n = value_of(case, "LANGUAGE_CODE"), value_of(case, "USE_I18N")
    if isinstance(value, str) and value.casefold().startswith("fr") and i18n is False:
        return case.says(
            "no-translation",
            "USE_I18N vaut False : Django ne traduit rien. Remettez True.",
            place_of(case, "USE_I18N"),
        )
    return _language(case, value)


def _language(case, value):
    if value == "en-us":
        if near := misnamed(case, "LANGUAGE_CODE"):
            return near
        if twice := set_twice(case, "LANGUAGE_CODE"):
            return twice
        if not place_of(case, "LANGUAGE_CODE"):
            return absent(case, "LANGUAGE_CODE", "LANGUAGE_CODE = 'fr-fr'")
        return case.says(
            "language-code",
            "LANGUAGE_CODE vaut encore « en-us ». Écrivez 'fr-fr', et enregistrez le fichier.",
            place_of(case, "LANGUAGE_CODE"),
        )
    return case.says(
        "language-code",
        f"LANGUAGE_CODE vaut « {value} ». Écrivez 'fr-fr'.",
        place_of(case, "LANGUAGE_CODE"),
    )


def paris(case):
    """Le projet n'est pas à l'heure de Paris."""
    if case.goal != "test_paris_time":
        return None
    if value_of(case, "USE_TZ") is False:
        return case.says(
            "no-time-zone",
            "USE_TZ vaut False : Django ne tient plus compte des fuseaux horaires. Remettez True.",
            place_of(case, "USE_TZ"),
        )
    return _time_zone(case, value_of(case, "TIME_ZONE"))


def _time_zone(case, value):
    if value == "America/Chicago" and not place_of(case, "TIME_ZONE"):
        return absent(case, "TIME_ZONE", "TIME_ZONE = 'Europe/Paris'")
    if twice := set_twice(case, "TIME_ZONE"):
        return twice
    if value == "UTC" and (near := misnamed(case, "TIME_ZONE")):
        return near
    known = zoneinfo.available_timezones()
    if value in known:
        return case.says(
            "time-zone",
            f"TIME_ZONE vaut « {value} ». Écrivez 'Europe/Paris'.",
            place_of(case, "TIME_ZONE"),
        )
    return case.says(
        "time-zone",
        f"TIME_ZONE vaut « {value} », que Django ne connaît pas. Écrivez 'Europe/Paris' : une "
        "majuscule à chaque mot, une barre oblique, pas d'espace.",
        place_of(case, "TIME_ZONE"),
    )


def daphne(case):
    """Ce n'est pas daphne qui sert le projet."""
    if "et non par daphne" not in case.said and not re.search(r"HTTP 404 à la poignée", case.said):
        return None
    apps = value_of(case, "INSTALLED_APPS")
    if apps is None or "daphne" in apps or any(str(app).startswith("daphne.") for app in apps):
        return None
    if twice := set_twice(case, "INSTALLED_APPS"):
        return twice
    if near := misnamed(case, "INSTALLED_APPS"):
        return near
    return case.says(
        "no-daphne",
        "« daphne » n'est pas dans INSTALLED_APPS : c'est l'ancien serveur qui répond, et il ne "
        "connaît que les pages. Mettez 'daphne' en premier dans la liste.",
        place_of(case, "INSTALLED_APPS"),
    )


def _assigned(case, name: str) -> list[int]:
    file = settings_file(case)
    if not case.project.has(file):
        return []
    tree = case.project.source(file).tree
    return [
        node.lineno
        for node in (tree.body if tree else ())
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]


def _line(case, setting: str, text: str, last: bool = False) -> Place | None:
    """Renvoie la ligne d'un réglage qui contient un texte, ou celle du réglage."""
    place = place_of(case, setting)
    if not place:
        return None
    source = case.project.source(place.file)
    found = [
        number
        for number, line in enumerate(source.lines, 1)
        if text in line and not line.lstrip().startswith("#")
    ]
    return Place(place.file, found[-1 if last else 0]) if found else place


def _stars(source) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in source.nodes
    )


def _known() -> set[str]:
    from django.conf import global_settings

    return {name for name in dir(global_settings) if name.isupper()} | {
        "ASGI_APPLICATION",
        "CHANNEL_LAYERS",
        "BASE_DIR",
    }


def _speaks_of_settings(case) -> bool:
    """Une exception que le code du projet n'a pas levée lui-même peut venir d'un réglage."""
    return (
        not case.errors
        or any(
            not error.frames or error.place.file.endswith(("asgi.py", "manage.py", "settings.py"))
            for error in case.errors
        )
        or case.number <= 3
    )
