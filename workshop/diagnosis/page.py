"""La page : ses gabarits, ses fichiers, ce que dit sa console, et les deux langues du salon."""

import json
import re
from pathlib import PurePosixPath

from workshop.diagnosis import settings
from workshop.diagnosis.rules import raised, rule, words
from workshop.project.sources import Place
from workshop.visitors.members import Misheard

PAGES = range(7, 100)
KNOCK = 'location.origin.replace("http", "ws") + location.pathname'
# Ce qu'écrit dans les réglages qui range ses fichiers à côté de manage.py.
OUTSIDE_APPS = {
    "templates": "'DIRS': [BASE_DIR / 'templates']",
    "static": "STATICFILES_DIRS = [BASE_DIR / 'static']",
}


def pages(case, pattern: str) -> list[Place]:
    """Renvoie les gabarits où se trouve ce motif."""
    return [Place(file) for file in case.project.files if holds(case, file, ".html", pattern)]


def scripts(case, pattern: str = "") -> list[Place]:
    """Renvoie les fichiers JavaScript de la page où se trouve ce motif."""
    return [Place(file) for file in case.project.files if holds(case, file, ".js", pattern)]


def holds(case, file: str, suffix: str, pattern: str) -> bool:
    return file.endswith(suffix) and bool(re.search(pattern, case.project.source(file).text))


@rule("TemplateDoesNotExist", r"^(?P<name>[\w./-]+)")
def no_template(case, error, name):
    """Un gabarit n'est pas où Django le cherche."""
    seen = f"La vue demande le gabarit « {name} », et Django ne le trouve pas."
    for place, cause in missing(case, f"chat/templates/{name}"):
        yield "no-template", place, cause, seen
    yield from not_installed(case, f"chat/templates/{name}")


@rule(said=r"(?P<address>/\S+) répond HTTP 404")
def no_static_file(case, address):
    """La page demande un fichier que le serveur n'a pas."""
    wanted = address.replace("/static/", "chat/static/", 1)
    if not address.startswith("/static/"):
        cause = "Cette adresse part de celle de la page. Laissez Django l'écrire : {% static … %}."
        for place in pages(case, r"<(?:script|link|img)\b(?![^>]*\{%)[^>]*\b(?:src|href)="):
            yield "relative-address", place, cause
        return
    for place, cause in missing(case, wanted):
        yield "no-static-file", place, cause
    yield from not_installed(case, wanted)


def missing(case, wanted: str):
    """Donne où est un fichier que l'on cherche, et ce qu'il faut en faire."""
    name = PurePosixPath(wanted).name
    files = {PurePosixPath(one).name: one for one in case.project.files}
    if case.project.has(wanted):
        return
    if name in files:
        found = files[name]
        kept = OUTSIDE_APPS.get(found.partition("/")[0])
        other = f" Ou gardez-le là, et écrivez {kept} dans les réglages." if kept else ""
        yield Place(found), f"Ce fichier est dans {found}. Déplacez-le : {wanted}.{other}"
    else:
        yield None, f"Il manque {wanted}. Créez-le, ou écrivez le même nom des deux côtés."


def not_installed(case, wanted: str):
    """Donne la cause d'un fichier qui est à sa place, dans une application que Django ignore."""
    app, installed = wanted.partition("/")[0], settings.value_of(case, "INSTALLED_APPS") or ()
    if case.project.has(wanted) and not any(one.startswith(app) for one in installed):
        cause = f"{wanted} est à sa place, mais il manque '{app}' dans INSTALLED_APPS."
        yield "app-not-installed", settings.place_of(case, "INSTALLED_APPS"), cause


@rule("TemplateSyntaxError", r"Invalid block tag on line (?P<line>\d+): '(?P<tag>\w+)'.*register")
def unknown_tag(case, error, line, tag):
    """Un gabarit emploie une balise que rien n'apporte."""
    seen = f"Django ne connaît pas la balise « {tag} », ligne {line} d'un gabarit."
    cause = "Corrigez son nom, ou ajoutez le {% load … %} qui l'apporte."
    if tag == "static":
        cause = "Il manque {% load static %} en haut, après {% extends %} s'il y en a un."
    for place in pages(case, rf"\{{% {tag}\b"):
        yield "unknown-tag", place, cause, seen


@rule("TemplateSyntaxError", r"must be the first tag in '(?P<name>[\w./-]+)'")
def extends_first(case, error, name):
    """Django ne lit ce gabarit que si {% extends %} y est en tête, avant toute autre balise."""
    yield Place(f"chat/templates/{name}")


@rule("NoReverseMatch", r"Reverse for '(?P<name>[\w-]+)' not found")
def unknown_route_name(case, error, name):
    """Un gabarit ou une vue nomme une route que personne n'a nommée ainsi."""
    from django.urls import get_resolver

    names = sorted(one for one in get_resolver().reverse_dict if isinstance(one, str))
    known = ", ".join(f"« {one} »" for one in names)
    seen = f"Rien ne mène à la route « {name} » : aucune ne porte ce nom."
    cause = f"""Les routes du projet s'appellent {known}. Écrivez le même nom dans la route
    (name="{name}") et dans le gabarit."""
    yield "unknown-route-name", None, cause, seen


@rule(goals="test_home")
def home(case):
    """L'accueil n'a pas de route, ou son formulaire ne mène pas au salon."""
    from django.core.exceptions import ImproperlyConfigured
    from django.urls import Resolver404, resolve

    try:
        resolve("/")
    except ImproperlyConfigured:
        # Un projet qui ne se charge pas n'a pas de réglages : d'autres règles disent pourquoi.
        return
    except Resolver404:
        cause = """Aucune route ne mène à « / ». Ajoutez path('', include('chat.urls')), et dans
        chat/urls.py path("", views.home, name="home")."""
        yield "home-not-routed", None, cause
    for place in pages(case, "<input") if "mène à /," in case.said else ():
        cause = "Le champ n'a pas de name : un navigateur n'envoie que les champs nommés."
        yield "field-without-name", place, cause


@rule(said=r"HTTP 403", log=r"CSRF")
def no_csrf_token(case):
    """Django refuse un formulaire en POST qui ne porte pas son jeton. Mettez {% csrf_token %} entre
    <form> et </form>, dans le gabarit de cette page."""
    yield from pages(case, r"(?is)<form\b[^>]*\bpost\b((?!csrf_token).)*?</form>")


@rule(steps=PAGES)
def subprotocol(case):
    """La poignée de main ne choisit pas ce qui est proposé, ou choisit ce qui ne l'est pas."""
    for call in case.called("accept")[:1]:
        if call.first:
            seen = "Un client qui ne propose aucun sous-protocole s'en voit répondre un."
            cause = f"""Cette ligne choisit « {call.first} », même pour un client qui ne propose
            rien et refuse alors la connexion. Ne le choisissez que si "json" est dans
            self.scope["subprotocols"]."""
            yield "unasked-subprotocol", call.place, cause, seen
        elif "ne choisit rien" in case.said:
            cause = """Quand "json" est dans self.scope["subprotocols"], nommez-le : await
            self.accept("json")."""
            yield "no-subprotocol", call.place, cause


@rule(steps=PAGES, said=r"Attendu : |^Le projet envoie|et ce n'en est pas")
def two_languages(case):
    """Du texte à qui attend du JSON, ou l'inverse."""
    sent = case.called("send")[0].place if case.called("send") else None
    if isinstance(case.error, Misheard) and is_frame(case.error.heard):
        cause = """Ce client n'a pas demandé le sous-protocole json, et reçoit du JSON. Envoyez-lui
        la phrase, et le JSON à ceux-là seuls qui l'ont demandé."""
        yield "json-for-text", sent, cause
    if re.search(r"et ce n'en est pas|^Le projet envoie [{\[]", case.said):
        cause = "Qui a demandé le sous-protocole json attend du JSON : écrivez json.dumps(…)."
        yield "not-dumped", sent, cause


def is_frame(heard: str | None) -> bool:
    try:
        return isinstance(json.loads(heard or ""), dict)
    except ValueError:
        return False


raised(
    {
        "not-loaded": (
            "TypeError",
            r"string indices must be integers",
            "Ce qui arrive est du texte : json.loads(text_data) en fait un dictionnaire.",
        )
    },
    steps=PAGES,
)


@rule("JSONDecodeError", steps=PAGES)
def not_stringified(case, error):
    """Ce que la page envoie n'est pas du JSON : écrivez JSON.stringify(…) autour."""
    yield from scripts(case)


@rule(said=r"dit : TypeError.*(?:properties of null|\) is null)")
def javascript_null(case):
    """Le script cherche dans la page un élément qui n'y est pas, ou pas encore."""
    for place in pages(case, r"<script(?![^>]*(?:module|defer))"):
        cause = 'Ce script est lu avant la page, et n\'y trouve rien : il lui faut type="module".'
        yield "not-a-module", place, cause
    for place in (*scripts(case), *pages(case, r"\bid=")):
        cause = "querySelector n'a rien trouvé : cet identifiant n'est pas dans la page."
        yield "javascript-null", place, cause


words(
    scripts,
    {
        "websocket-address": (
            r"dit : \w+: Failed to construct 'WebSocket'",
            "Ce n'est pas l'adresse d'un WebSocket ; location.host contient déjà le port. Elle se "
            f"tire de la page : {KNOCK}.",
        ),
        "javascript-text-for-json": (
            r"dit : SyntaxError.*JSON",
            "Le serveur parle texte à cette page, qui attend du JSON : demandez-le-lui, par "
            'new WebSocket(address, "json").',
        ),
        "javascript-syntax": (
            r"dit : SyntaxError",
            "Le navigateur ne peut pas lire ce fichier, et n'en exécute rien : il y manque une "
            "accolade, une parenthèse ou un guillemet.",
        ),
        "javascript-undefined": (
            r"dit : TypeError.*(?:of|is) undefined",
            "Ce nom n'a pas de valeur ici. Déclaré dans une fonction, un nom n'existe que dans "
            "elle : déclarez-le une fois, par let, en haut du fichier.",
        ),
        "javascript-connecting": (
            r"dit : InvalidStateError",
            "On ne parle qu'à une porte ouverte : vérifiez d'abord que socket.readyState vaut "
            "WebSocket.OPEN.",
        ),
    },
)
words(
    lambda case: scripts(case, "submit") if getattr(case.error, "reloaded", False) else (),
    {
        "page-reloaded": (
            r"",
            "Un formulaire envoyé recharge la page : appelez event.preventDefault() au début de "
            "onsubmit.",
        )
    },
    steps=PAGES,
)
words(
    lambda case: scripts(case, r"HTML|document\.write"),
    {
        "message-as-html": (
            r"en toutes lettres|a exécuté",
            "Ce que l'on a dit est lu comme du HTML (innerHTML, insertAdjacentHTML…). Mettez-le "
            "dans la page comme du texte : textContent, ou append.",
        )
    },
    steps=PAGES,
)
words(
    lambda case: () if pages(case, "<textarea") else scripts(case, r"\.value\s*(?:\+=|=.*\+)"),
    {
        "value-of-a-list": (
            r"ne le montre pas",
            "Seul un champ montre sa value. À une liste, on ajoute un élément : append.",
        )
    },
    steps=PAGES,
)
words(
    scripts,
    {
        "outage-unsaid": (
            r"n'en dit rien",
            "Posez socket.onclose sur chaque nouveau WebSocket, et écrivez-y l'état de la "
            "connexion, en mots.",
        ),
        "unsent-lost": (
            r"cela disparaît",
            "Sur une connexion fermée, send jette la phrase. Ne parlez, et ne videz "
            "le champ, que si socket.readyState vaut WebSocket.OPEN.",
        ),
        "outage-storm": (
            r"a frappé",
            "Attendez avant de frapper de nouveau : setTimeout(connect, …), avec la fonction sans "
            "parenthèses, et un délai en millisecondes qui double à chaque échec.",
        ),
        "no-return": (
            r"ne reparle pas|se perd\.",
            "Un WebSocket fermé ne se rouvre pas. Après un délai, appelez de nouveau la fonction "
            "qui en ouvre un, et parlez par celui-là.",
        ),
        "deaf-return": (
            r"^Revenue .* ne le montre pas",
            "onmessage ne vaut que pour un WebSocket : posez-le sur chaque nouveau, dans la "
            "fonction qui l'ouvre.",
        ),
        "two-connections": (
            r"^Revenue .* le montre \d+ fois",
            "Après la coupure, il y a deux connexions (onclose vient aussi après onerror, et "
            "l'ancien WebSocket se ferme), ou un écouteur de plus à chaque connexion.",
        ),
        "said-twice": (
            r"^Une page dit une fois .* le montre \d+ fois",
            "La phrase part deux fois, par deux écouteurs (Entrée envoie déjà le formulaire), ou "
            "s'affiche deux fois : à l'envoi, puis à l'écho.",
        ),
    },
    goals=("test_two_pages", "test_outage", "test_unsent", "test_return", "test_patience"),
)


@rule(goals="test_greeting")
def never_knocked(case):
    """La page est ouverte, et son serveur n'a vu venir aucun WebSocket."""
    for place in scripts(case, r"\{\{|\{%"):
        cause = f"Django ne lit pas ce fichier : une balise y reste telle quelle. Prenez {KNOCK}."
        yield "template-tag-in-script", place, cause
    for place in scripts(case) if "HANDSHAKING /chat/licornes/" not in case.log else ():
        cause = f"""La page n'a pas frappé à la porte de ce salon. Son adresse se tire de la page :
        {KNOCK}."""
        yield "page-never-knocked", place, cause
