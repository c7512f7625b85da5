"""L'histoire du salon : ce que l'on garde, ce que l'on redit, et ce que montre la page."""

import ast
import re

from workshop.diagnosis import settings
from workshop.diagnosis.page import scripts
from workshop.diagnosis.rules import anywhere, raised, rule, words
from workshop.project.sources import Place

KEPT = range(9, 100)


@rule("TypeError", r"Object of type (?P<kind>\w+) is not JSON|'(?P<model>\w+)' object is not sub")
def not_json(case, error, kind, model):
    """Ce que l'on envoie ne s'écrit pas en JSON : un modèle, une date, une autre valeur."""
    name = kind or model
    if case.project.where_is(name):
        cause = f"""C'est l'objet {name} lui-même qui est parti. Ce qui voyage est un dictionnaire
        de textes et de nombres : celui que donne as_dict()."""
        yield "model-sent", None, cause
    elif kind in ("datetime", "date"):
        cause = "JSON ne connaît pas les dates : envoyez-en le texte, que donne isoformat()."
        yield "date-in-json", None, cause


@rule("SynchronousOnlyOperation", steps=KEPT)
def lazy_query(case, error):
    """Ce que rend cette fonction, une requête ou un générateur, ne travaille que là où on le
    parcourt, hors du fil de la base. Rendez une liste : list(…)."""
    for source in case.project.sources:
        for node in source.nodes:
            if any(
                "database_sync" in ast.unparse(one) for one in getattr(node, "decorator_list", ())
            ):
                yield Place(source.name, node.lineno)


@rule("OperationalError|IntegrityError", r"no such (?:table|column)|no column|NOT NULL")
def missing_migration(case, error):
    """Un modèle a changé sans sa migration, ou Django ne voit plus ses migrations."""
    made = {file.rpartition("/")[0] for file in case.project.files if "/migrations/0" in file}
    for folder in made:
        cause = f"Django ne voit plus les migrations de {folder} : il y manque __init__.py, vide."
        yield "migrations-not-a-package", Place(f"{folder}/__init__.py"), cause
    cause = """Un modèle a changé sans sa migration. Dans le terminal « projet », tapez : python
    manage.py makemigrations, puis python manage.py migrate"""
    yield "missing-migration", None, cause


@rule("ValueError", r'Cannot assign .*"(?P<field>[\w.]+)" must be a "(?P<model>\w+)"', steps=KEPT)
def not_a_row(case, error, field, model):
    """Un anonyme n'est pas une ligne de la base."""
    cause = f"""« {field} » renvoie à une ligne de la table des comptes, et un anonyme n'y est pas.
    Donnez la clé, {field.rpartition(".")[2]}_id=user.pk : elle vaut alors None."""
    yield "not-a-row", None, cause, f"Le projet lève ValueError : {field} attend un {model}."


@rule("IntegrityError", r"UNIQUE constraint failed: (?P<columns>.*)", steps=KEPT)
def same_twice(case, error, columns):
    """La base refuse un second message de même clé, ou de même numéro."""
    names = re.findall(r"\.(\w+)", columns)
    if "room" not in names:
        cause = f"""« {names[0]} » est unique dans toute la table ; il doit l'être dans son salon :
        UniqueConstraint(fields=["room", …]), puis makemigrations et migrate."""
        yield "unique-everywhere", case.project.where_is("Message"), cause
    elif "key" in names:
        cause = """La base a déjà un message de cette clé, et refuse le second. Avant d'en créer un,
        cherchez-le par sa clé ; s'il existe, c'est lui qu'il faut rendre."""
        yield "key-not-checked", error.place, cause


raised(
    {
        "decorated-coroutine": (
            "TypeError",
            r"sync_to_async can only be applied to sync functions",
            "database_sync_to_async mène une fonction ordinaire dans un autre fil : ôtez « async » "
            "devant def, et les await de cette fonction.",
        ),
        "empty-room": (
            "TypeError",
            r"unsupported operand.*'NoneType' and 'int'",
            "Un salon vide n'a pas de plus grand numéro : Max rend None. Ajoutez « or 0 ».",
        ),
        "no-number": (
            "ValueError",
            r"Cannot use None as a query value",
            "Qui arrive n'a pas de numéro : il vaut None. Ne filtrez que s'il y en a un.",
        ),
    },
    steps=KEPT,
)
words(
    lambda case: [settings.place_of(case, "DATABASES")],
    {
        "deferred-transactions": (
            r"database is locked",
            "SQLite refuse à une transaction qui a commencé par lire d'écrire ensuite, si un autre "
            "a écrit : 'OPTIONS': {'transaction_mode': 'IMMEDIATE'}, dans DATABASES.",
        ),
    },
    steps=KEPT,
)
words(
    anywhere,
    {
        "one-count-for-all": (
            r"devrait porter le numéro|^Un salon a deux messages",
            "Les salons partagent une seule suite de numéros. Chaque salon a son compteur, et le "
            "numéro vient du sien.",
        ),
    },
    goals="test_rooms",
)
words(
    anywhere,
    {
        "empty-key": (
            r"La console dit deux fois la même phrase",
            "Un message sans clé n'est le double d'aucun autre : ne le cherchez que s'il en a une.",
        ),
        "told-before-kept": (
            r"^Sous un même numéro",
            "Le serveur annonce un message qu'il n'a pas encore gardé. Gardez d'abord, attendez "
            "que ce soit fait, puis prévenez le groupe.",
        ),
    },
    steps=KEPT,
)


@rule(goals="test_restart", said=r"rien\.$")
def forgotten(case):
    """Ce que garde une variable disparaît avec le serveur. Un message se garde dans une table, par
    un modèle."""
    if not any(".objects" in source.text for source in case.project.sources):
        yield None


@rule(steps=KEPT, said=r"ont la même heure")
def frozen_time(case):
    """now(), avec ses parenthèses, est appelée une fois, au démarrage. Donnez la fonction,
    timezone.now, ou auto_now_add=True ; puis makemigrations."""
    for source in case.project.sources:
        for number, line in enumerate(source.lines, 1):
            if re.search(r"default=.*now\(\)", line):
                yield Place(source.name, number)


words(
    scripts,
    {
        "page-never-asks": (
            r"^En arrivant",
            "À chaque bienvenue, la page pose une question : `before` sans numéro la première "
            "fois, `after` son dernier numéro ensuite.",
        ),
        "page-order": (
            r"l'ordre est",
            "Une réponse est déjà rangée : ajoutez-la d'un bloc, et non message par message devant "
            "les autres.",
        ),
        "page-no-outbox": (
            r"^Une phrase est dite pendant une coupure",
            "Ce que la page envoie reste dans sa boîte jusqu'à l'écho, et repart à chaque "
            "bienvenue.",
        ),
        "page-no-key": (
            r"^La connexion se coupe avant l'écho",
            "Une phrase se redit avec la clé de la première fois, tirée quand on l'écrit. Et un "
            "numéro déjà affiché ne s'affiche pas de nouveau.",
        ),
        "page-no-echo": (
            r"^La page dit une phrase",
            "Une phrase sort de la boîte quand son écho arrive : c'est la clé qui les rapproche.",
        ),
        "page-no-hole": (
            r"l'annonce du premier",
            "Un numéro manque. Un message s'affiche s'il suit le dernier affiché ; s'il saute plus "
            "loin, la page demande la suite, par `after`.",
        ),
        "page-no-heartbeat": (
            r"l'annonce de son dernier",
            "Rien ne révèle le dernier message perdu, sauf un battement : toutes les dix secondes, "
            "la page demande la suite de son dernier numéro.",
        ),
    },
    goals="test_page",
)
