"""Les réglages : absents, mal nommés, de la mauvaise forme, ou que Django refuse."""

import ast
import importlib.util
import re
from collections.abc import Iterator

from workshop.diagnosis.rules import rule
from workshop.project.sources import Place

# Les réglages que Django lit sans leur donner de valeur, ou que Channels ajoute.
OTHERS = {"ASGI_APPLICATION": "", "CHANNEL_LAYERS": {}, "ROOT_URLCONF": "", "BASE_DIR": None}
KINDS = {str: "un texte", list: "une liste", tuple: "une liste", dict: "un dictionnaire"}
GIVEN = KINDS | {tuple: "un tuple", set: "un ensemble", bool: "True ou False", int: "un nombre"}
LAYER = "CHANNEL_LAYERS = {'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'}}"


def settings_file(case) -> str:
    """Renvoie le fichier des réglages, relatif au projet."""
    module = case.settings_module
    return case.project.modules.get(module, module.replace(".", "/") + ".py")


def settings_files(case) -> list[str]:
    """Renvoie les fichiers où sont les réglages : celui-là, et ceux dont il importe tout."""
    return list(dict.fromkeys(place.file for _, place in assigned(case))) or [settings_file(case)]


def assigned(case, file: str = "", seen: tuple[str, ...] = ()) -> Iterator[tuple[str, Place]]:
    """Donne les noms qui reçoivent une valeur dans les réglages, dans l'ordre où Python les lit."""
    file = file or settings_file(case)
    if file in seen or not case.project.has(file):
        return
    package = file.rpartition("/")[0].replace("/", ".")
    nodes = (node for node in case.project.source(file).nodes if hasattr(node, "lineno"))
    for node in sorted(nodes, key=lambda node: node.lineno):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            name = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from assigned(case, case.project.modules.get(name, "?"), (*seen, file))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, Place(file, node.lineno)


def places_of(case, name: str) -> list[Place]:
    """Renvoie les lignes qui donnent sa valeur à un réglage ; la dernière l'emporte."""
    return [place for one, place in assigned(case) if one == name]


def place_of(case, name: str) -> Place:
    """Renvoie la dernière ligne qui donne sa valeur à un réglage, sinon le fichier des réglages."""
    return [Place(settings_file(case)), *places_of(case, name)][-1]


def value_of(case, name: str):
    """Renvoie la valeur d'un réglage du projet, ou None."""
    return getattr(case.settings, name, None)


def quoted(case, text: str) -> Place:
    """Renvoie la ligne des réglages où un texte est entre guillemets, sinon leur fichier."""
    for file in settings_files(case):
        for number, line in enumerate(case.project.source(file).lines, 1):
            if re.search(rf"^[^#]*['\"]{re.escape(text)}\b", line):
                return Place(file, number)
    return Place(settings_file(case))


def entrance(case) -> Place:
    """Renvoie la ligne qui définit l'application que nomme ASGI_APPLICATION."""
    module = str(value_of(case, "ASGI_APPLICATION")).rpartition(".")[0]
    file = case.project.modules.get(module, "live/asgi.py")
    if not case.project.has(file):
        return Place("")
    return Place(file, case.project.source(file).names.get("application"))


def set_twice(case, name: str):
    """Un réglage reçoit deux fois une valeur."""
    *before, last = places_of(case, name) or [None]
    if not before or "+=" in case.project.source(last.file).line(last.line):
        return
    if before[-1].file == last.file:
        where = f"deux fois, lignes {before[0].line} et {last.line} : la dernière l'emporte. "
    else:
        where = f"dans {before[-1].file}, puis une autre ici, qui l'emporte. "
    yield "set-twice", last, f"{name} reçoit une valeur {where}N'en gardez qu'une."


@rule(
    "AttributeError",
    r"'NoneType' object has no attribute '(group_|send|new_channel|receive)",
    observed="Il n'y a pas de couche de canaux : self.channel_layer vaut None.",
)
def no_layer(case, error):
    """Il n'y a pas de couche de canaux."""
    for file in settings_files(case):
        yield "no-layer", Place(file), ""


@rule("InvalidChannelLayerError", "(?P<message>.*)")
def layer(case, error, message):
    """Channels refuse la couche de canaux."""
    named = re.search(r"Cannot import BACKEND '?([\w.]+)'? specified", message)
    backend = named[1] if named else ""
    if "ROUTING" in message:
        cause = """La clé ROUTING est celle de la première génération de Channels : les routes sont
        maintenant dans live/asgi.py. Retirez-la."""
        yield "channels-1", quoted(case, "ROUTING"), cause
    elif backend:
        why = f"BACKEND vaut « {backend} », qui n'existe pas."
        if backend.startswith("asgiref"):
            why = "C'est la couche de la première génération de Channels."
        elif backend.startswith("channels_redis"):
            why = "Cette couche demande le paquet channels_redis, qui n'est pas installé."
        cause = f"{why} Écrivez 'channels.layers.InMemoryChannelLayer'."
        yield "layer-backend", quoted(case, backend), cause
    else:
        cause = f"Channels refuse cette couche : {message}. Écrivez {LAYER}"
        yield "layer-backend", place_of(case, "CHANNEL_LAYERS"), cause


@rule()
def wrong_shape(case):
    """Un réglage n'a pas la forme que Django attend."""
    from django.conf import global_settings

    for name in dict(assigned(case)):
        value = value_of(case, name)
        model = OTHERS.get(name, getattr(global_settings, name, None))
        kind = next((kind for kind in KINDS if isinstance(model, kind)), None)
        kinds = (list, tuple) if kind in (list, tuple) else kind or object
        if isinstance(value, list) and len([one for one in value if len(str(one)) == 1]) > 1:
            cause = f"""Un texte ajouté à {name} s'y range lettre par lettre. Mettez-le entre
            crochets : += ['chat']."""
            yield "letters", place_of(case, name), cause
        if value is None or isinstance(value, kinds) or hasattr(value, "__fspath__"):
            continue
        cause = f"{name} doit être {KINDS[kind]}, et c'est {GIVEN.get(type(value), type(value))}."
        yield "wrong-shape", place_of(case, name), cause


@rule()
def wsgi(case):
    """L'application est l'ancienne entrée, WSGI, qui ne sert que les pages."""
    if type(case.application).__name__ == "WSGIHandler":
        cause = f"""ASGI_APPLICATION mène à l'ancienne entrée, WSGI, qui ne sert que les pages.
        Écrivez '{_wanted(case)}'."""
        yield "wsgi-application", place_of(case, "ASGI_APPLICATION"), cause


@rule("ImproperlyConfigured|ValueError", "ASGI_APPLICATION|not enough values|Empty module name")
def asgi_application(case, error):
    """Le réglage ASGI_APPLICATION ne mène pas à l'application."""
    value, wanted = value_of(case, "ASGI_APPLICATION"), _wanted(case)
    module, _, name = str(value).rpartition(".")
    file = case.project.modules.get(module, "")
    if value != wanted and not (file and "Cannot import" in error.message):
        cause = f"""ASGI_APPLICATION vaut « {value} », qui ne mène nulle part. Écrivez '{wanted}' :
        le dossier, le fichier sans .py, puis le nom dans ce fichier."""
        yield "asgi-application", place_of(case, "ASGI_APPLICATION"), cause
    if file and "Cannot find" in error.message:
        cause = f"ASGI_APPLICATION nomme « {name} », que {file} ne définit pas."
        yield "asgi-application", None, cause


def _wanted(case) -> str:
    """Renvoie ce que doit valoir ASGI_APPLICATION."""
    modules = [one for one in case.project.modules if one.endswith(".asgi")]
    return f"{[*modules, 'live.asgi'][0]}.application"


@rule(
    log=r"SystemCheckError.*?\((?P<code>\w+\.[EW]\d+)\) (?P<text>[^\n]+)"
    r"(?P<hint>(\n\s*HINT: [^\n]+)?)",
    observed="Django contrôle les réglages avant de démarrer, et refuse ceux-ci ({code}).",
)
def system_check(case, code, text, hint):
    """Django contrôle les réglages avant de démarrer, et les refuse."""
    value = value_of(case, "LANGUAGE_CODE")
    if code == "daphne.E001":
        cause = """« daphne » est inscrit trop bas dans INSTALLED_APPS : il doit venir avant
        django.contrib.staticfiles. Mettez-le en premier."""
        yield "daphne-not-first", quoted(case, "daphne"), cause
    for place in places_of(case, "LANGUAGES") if code == "translation.E004" else ():
        cause = f"""LANGUAGES est la liste des langues permises, et « {value} », que nomme
        LANGUAGE_CODE, n'y est pas. Ajoutez ('fr', 'Français'), ou retirez ce réglage."""
        yield "languages", place, cause
    if code.startswith("translation."):
        cause = f"LANGUAGE_CODE vaut « {value} », qui n'est pas un code de langue. Écrivez 'fr-fr'."
        yield "language-code", place_of(case, "LANGUAGE_CODE"), cause
    for missing, setting in re.findall(r"'([\w.]+)' must be in (\w+)", text + hint):
        cause = f"""Il manque « {missing} » dans {setting}. Remettez la ligne que startproject avait
        écrite."""
        yield "missing-in-setting", place_of(case, setting), cause
    said = " ".join((text + hint).replace("HINT: ", "").split())
    yield "system-check", None, f"Django dit : {said}"


@rule("CommandError", "You must set settings.ALLOWED_HOSTS if DEBUG is False")
def debug_false(case, error):
    """DEBUG vaut False, et Django demande alors la liste ALLOWED_HOSTS. Pendant l'atelier, remettez
    DEBUG = True."""
    yield place_of(case, "DEBUG")


@rule("ImproperlyConfigured", r"The SECRET_KEY setting must not be empty")
def empty_setting(case, error):
    """SECRET_KEY est vide. Donnez-lui un texte tiré au hasard."""
    yield from places_of(case, "SECRET_KEY")


@rule("LookupError|RuntimeError", r"No installed app with label|Model class django\.contrib\.")
def app_not_installed(case, error):
    """Une application de Django n'est plus dans INSTALLED_APPS."""
    yield from set_twice(case, "INSTALLED_APPS")


@rule(goals="test_french", said="n'est pas en français")
def french(case):
    """La langue du projet n'est pas le français."""
    value, place = value_of(case, "LANGUAGE_CODE"), place_of(case, "LANGUAGE_CODE")
    if value_of(case, "USE_I18N") is False:
        cause = "USE_I18N vaut False : Django ne traduit rien. Remettez True."
        yield "no-translation", place_of(case, "USE_I18N"), cause
    yield from set_twice(case, "LANGUAGE_CODE")
    if place.line and not str(value).startswith("fr"):
        shown = "encore « en-us »" if value == "en-us" else f"« {value} »"
        cause = f"LANGUAGE_CODE vaut {shown}. Écrivez 'fr-fr', et enregistrez le fichier."
        yield "language-code", place, cause


@rule(goals="test_paris_time")
def no_time_zone(case):
    """USE_TZ vaut False : Django ne tient plus compte des fuseaux horaires. Remettez True."""
    if value_of(case, "USE_TZ") is False:
        yield place_of(case, "USE_TZ")


@rule(goals="test_paris_time", said="Le projet croit")
def time_zone(case):
    """Le fuseau horaire du projet n'est pas celui de Paris."""
    yield from set_twice(case, "TIME_ZONE")
    cause = f"TIME_ZONE vaut « {value_of(case, 'TIME_ZONE')} ». Écrivez 'Europe/Paris'."
    for place in places_of(case, "TIME_ZONE")[-1:]:
        yield "time-zone", place, cause


@rule("ValueError", "Incorrect timezone setting: (?P<value>.*)")
def unknown_time_zone(case, error, value):
    """TIME_ZONE vaut « {value} », que Django ne connaît pas. Écrivez 'Europe/Paris' : une majuscule
    à chaque mot, une barre oblique, pas d'espace."""
    yield place_of(case, "TIME_ZONE")


@rule(said=r"et non par daphne|HTTP 404 à la poignée")
def daphne(case):
    """Ce n'est pas daphne qui sert le projet."""
    yield from set_twice(case, "INSTALLED_APPS")
