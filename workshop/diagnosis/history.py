"""L'histoire du salon : ce que l'on garde, ce que l'on redit, et ce que montre la page."""

import ast
import re

from workshop.project.sources import Place

PAGE = "chat/static/chat/chat.js"
# Le début de ce qu'a vu le but de la page, et ce qu'il lui manque.
TROUBLES = (
    (
        "En arrivant",
        "page-never-asks",
        "À chaque bienvenue, la page pose une question : `before` sans numéro la première fois, "
        "`after` son dernier numéro ensuite.",
    ),
    (
        "Une phrase est dite pendant une coupure",
        "page-no-outbox",
        "Ce que la page envoie reste dans sa boîte jusqu'à l'écho, et repart à chaque bienvenue.",
    ),
    (
        "La connexion se coupe avant l'écho",
        "page-no-key",
        "Une phrase se redit avec la clé de la première fois, tirée quand on l'écrit. Et un numéro "
        "déjà affiché ne s'affiche pas de nouveau.",
    ),
    (
        "La page dit une phrase",
        "page-no-echo",
        "Une phrase sort de la boîte quand son écho arrive : c'est la clé qui les rapproche.",
    ),
    (
        "Une autre personne parle, et l'annonce du premier",
        "page-no-hole",
        "Un numéro manque. Un message s'affiche s'il suit le dernier affiché ; s'il saute plus "
        "loin, la page demande la suite, par `after`.",
    ),
    (
        "Une autre personne parle, et l'annonce de son dernier",
        "page-no-heartbeat",
        "Rien ne révèle le dernier message perdu, sauf un battement : toutes les dix secondes, la "
        "page demande la suite de son dernier numéro.",
    ),
)


def models(case) -> dict[str, type]:
    """Renvoie les modèles du projet, par leur nom."""
    from django.apps import apps

    found = apps.get_models() if apps.models_ready else ()
    return {model.__name__: model for model in found if case.project.where_is(model.__name__)}


def not_json(case):
    """Ce que l'on envoie ne s'écrit pas en JSON : une date, un modèle, une coroutine."""
    error, found = case.find("TypeError", r"Object of type (\w+) is not JSON serializable")
    if not error or case.number < 7:
        return None
    if found[1] == "coroutine":
        return forgotten_await(case)
    if found[1] in ("datetime", "date"):
        return case.says(
            "date-in-json",
            "JSON ne connaît pas les dates : envoyez-en le texte, que donne isoformat().",
            _date_in_a_dictionary(case) or error.place,
        )
    if found[1] in models(case):
        return _model_sent(case, found[1], error.place)
    return case.says(
        "not-json",
        f"JSON ne connaît pas ce genre de valeur : {found[1]}. Envoyez un texte, un nombre, une "
        "liste ou un dictionnaire.",
        error.place,
    )


def model_in_event(case):
    """L'objet du modèle part au groupe, au lieu d'un dictionnaire."""
    error, found = case.find("TypeError", r"'(\w+)' object is not subscriptable")
    if error and found[1] in models(case):
        return _model_sent(case, found[1], error.place)
    return None


def _model_sent(case, name: str, place: Place):
    return case.says(
        "model-sent",
        f"C'est l'objet {name} lui-même qui est parti. Ce qui voyage est un dictionnaire de textes "
        "et de nombres : celui que donne as_dict().",
        place,
    )


def _date_in_a_dictionary(case) -> Place | None:
    """Renvoie la ligne où un dictionnaire prend la date d'un modèle telle quelle."""
    from django.db.models import DateField

    dates = {
        field.name
        for model in models(case).values()
        for field in model._meta.fields
        if isinstance(field, DateField)
    }
    for source in case.project.sources:
        for node in source.nodes:
            for value in node.values if isinstance(node, ast.Dict) else ():
                if isinstance(value, ast.Attribute) and value.attr in dates:
                    return Place(source.name, value.lineno)
    return None


def forgotten_await(case):
    """Une fonction de la base, décorée, est appelée sans `await`."""
    case.probe  # noqa: B018  la conversation d'essai en trouve d'autres
    for name, place in case.unawaited:
        if not name.endswith("__call__"):
            continue
        called = _calls_on(case, place)
        return case.says(
            "coroutine-not-awaited",
            f"Il manque « await » devant {called[0] if called else 'cet appel'} : "
            "database_sync_to_async en a fait une coroutine.",
            place,
        )
    return None


def _calls_on(case, place: Place) -> list[str]:
    """Renvoie les appels d'une ligne, du plus intérieur au plus extérieur, sans leurs arguments."""
    calls = [
        node
        for node in case.project.source(place.file).nodes
        if isinstance(node, ast.Call) and node.lineno == place.line
    ]
    calls.sort(key=lambda node: node.end_col_offset - node.col_offset)
    return [ast.unparse(node.func) for node in calls]


def same_twice(case):
    """La base refuse un second message de même clé, ou de même numéro."""
    errors = [error for error in case.errors if error.message.startswith("UNIQUE constraint")]
    # Django répète l'erreur de la base, et lui seul sait quelle ligne du projet l'a causée.
    errors.sort(key=lambda error: not error.place.file)
    if not errors:
        return None
    error = errors[0]
    columns = re.findall(r"\.(\w+)", error.message)
    if "key" in columns:
        return case.says(
            "key-not-checked",
            "La base a déjà un message de cette clé, et refuse le second. Avant d'en créer un, "
            "cherchez-le par sa clé ; s'il existe, c'est lui qu'il faut rendre.",
            error.place,
        )
    if "number" in columns:
        return case.says(
            "number-taken",
            "La base a déjà un message de ce numéro dans ce salon, et refuse le second. Le suivant "
            "est le plus grand numéro du salon, plus un.",
            error.place,
        )
    return None


def no_value(case):
    """`None` là où l'on attend un numéro : un salon vide, ou une question sans numéro."""
    error, _ = case.find("TypeError", r"unsupported operand.*'NoneType' and 'int'")
    if error and error.place.file and case.number >= 8:
        return case.says(
            "empty-room",
            "Un salon vide n'a pas de plus grand numéro : Max rend None. Ajoutez « or 0 ».",
            error.place,
        )
    error, _ = case.find("ValueError", "Cannot use None as a query value")
    if error and error.place.file:
        return case.says(
            "no-number",
            "Qui arrive n'a pas de numéro : il vaut None. Ne filtrez que s'il y en a un.",
            error.place,
        )
    return None


def one_count_for_all(case):
    """Les salons se partagent une seule suite de numéros."""
    if case.goal == "test_rooms" and "devrait porter le numéro" in case.said:
        return case.says(
            "one-count-for-all",
            "Les salons partagent une seule suite de numéros. Le numéro d'un message est le plus "
            "grand de son salon, plus un : filtrez par salon.",
        )
    return None


def forgotten(case):
    """Le serveur redémarre, et le salon n'a plus rien."""
    if case.goal == "test_restart" and case.said.endswith("rien."):
        return case.says(
            "forgotten",
            "Ce que garde une variable disparaît avec le serveur. Un message se garde dans une "
            "table, par un modèle.",
        )
    return None


def told_before_kept(case):
    """Un message est annoncé avant d'être dans la base."""
    if case.goal == "test_promise" and case.said.startswith("Sous un même numéro"):
        return case.says(
            "told-before-kept",
            "Le serveur annonce un message qu'il n'a pas encore gardé. Gardez d'abord, attendez "
            "que ce soit fait, puis prévenez le groupe.",
        )
    return None


def page(case):
    """La page perd un message, ou le montre deux fois."""
    if case.goal != "test_page":
        return None
    place = Place(PAGE) if case.project.has(PAGE) else Place("")
    for beginning, code, cause in TROUBLES:
        if case.said.startswith(beginning):
            return case.says(code, cause, place)
    return case.says("unknown", None, place)
