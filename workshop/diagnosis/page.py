"""La page : ses gabarits, ses fichiers, ce que dit sa console, et les deux langues du salon."""

import json
import re
from pathlib import PurePosixPath

from workshop.project.sources import Place, closest
from workshop.visitors.members import Misheard

IN_A_BROWSER = ("test_greeting", "test_two_pages", "test_only_text", "test_return")
SCRIPT = re.compile(r"https?://[^/\s]+/static/(\S+?\.js):(\d+)")
CONSOLE = (
    (
        "javascript-syntax",
        r"^SyntaxError(?!.*JSON)",
        "Le navigateur ne peut pas lire ce fichier, et n'en exécute rien : il y manque une "
        "accolade, une parenthèse ou un guillemet.",
    ),
    (
        "javascript-text-for-json",
        r"^SyntaxError.*JSON",
        "Le serveur parle texte à cette page, qui attend du JSON : demandez-le-lui, par "
        'new WebSocket(address, "json").',
    ),
    (
        "javascript-null",
        r"^TypeError.*(?:of null|is null)",
        "querySelector n'a rien trouvé : cet identifiant n'est pas dans la page, ou le script est "
        'lu avant elle (il lui faut type="module").',
    ),
    (
        "javascript-undefined",
        r"^TypeError.*(?:of undefined|is undefined)",
        "Ce nom n'a pas de valeur ici. Déclaré dans une fonction, un nom n'existe que dans elle : "
        "déclarez-le une fois, par let, en haut du fichier.",
    ),
    (
        "javascript-connecting",
        r"InvalidStateError",
        "On ne parle qu'à une porte ouverte : vérifiez d'abord que socket.readyState vaut "
        "WebSocket.OPEN.",
    ),
)


def template(case):
    """Un gabarit introuvable, ou que Django ne sait pas lire."""
    error, found = case.find("TemplateDoesNotExist", r"^([\w./-]+)")
    if error:
        wanted = f"chat/templates/{found[1]}"
        name = PurePosixPath(wanted).name
        others = [file for file in case.project.files if PurePosixPath(file).name == name]
        if others:
            cause = f"Ce gabarit est dans {others[0]}. Déplacez-le : {wanted}."
        else:
            cause = f"Ce gabarit n'existe pas. Créez {wanted}."
        observed = f"La vue demande le gabarit « {found[1]} », et Django ne le trouve pas."
        return case.says("no-template", cause, Place(others[0] if others else ""), observed)
    error, found = case.find(
        "TemplateSyntaxError", r"Invalid block tag on line (\d+): '(\w+)'.*forget to register"
    )
    if error:
        place = _in_templates(case, int(found[1]), found[2])
        observed = f"Django ne connaît pas la balise « {found[2]} », ligne {found[1]} d'un gabarit."
        cause = (
            "Il manque {% load static %} en haut de ce gabarit, après {% extends %} s'il y en a un."
            if found[2] == "static"
            else "Corrigez son nom, ou ajoutez le {% load … %} qui l'apporte."
        )
        return case.says("unknown-tag", cause, place, observed)
    error, found = case.find("TemplateSyntaxError", r"must be the first tag in '([\w./-]+)'")
    if error:
        file = f"chat/templates/{found[1]}"
        place = Place(file if case.project.has(file) else "")
        observed = "Django ne peut pas lire ce gabarit : {% extends %} n'y est pas en tête."
        return case.says(
            "extends-first", "Mettez {% extends %} avant toute autre balise.", place, observed
        )
    return None


def route_name(case):
    """Un gabarit ou une vue nomme une route que personne n'a nommée ainsi."""
    error, found = case.find("NoReverseMatch", r"Reverse for '([\w-]+)' not found")
    if not error:
        return None
    from django.urls import get_resolver

    names = sorted(name for name in get_resolver().reverse_dict if isinstance(name, str))
    known = ", ".join(f"« {name} »" for name in names)
    return case.says(
        "unknown-route-name",
        f"Les routes du projet s'appellent {known}. Écrivez le même nom dans la route "
        f'(name="{found[1]}") et dans le gabarit.',
        case.project.where_is("urlpatterns") or Place("chat/urls.py"),
        f"Rien ne mène à la route « {found[1]} » : aucune ne porte ce nom.",
    )


def home(case):
    """L'accueil n'a pas de route, ou son formulaire ne mène pas au salon."""
    if case.goal != "test_home" or case.application is None:
        return None
    from django.conf import settings
    from django.urls import Resolver404, resolve

    try:
        view = resolve("/").func
    except Resolver404:
        file = settings.ROOT_URLCONF.replace(".", "/") + ".py"
        line = case.project.source(file).names.get("urlpatterns") if case.project.has(file) else 0
        return case.says(
            "home-not-routed",
            "Aucune route ne mène à « / ». Ajoutez path('', include('chat.urls')), et dans "
            'chat/urls.py path("", views.home, name="home").',
            Place(file, line or None),
        )
    if "mène à /?" in case.said:
        code = getattr(view, "__code__", None)
        file = code and case.project.relative(code.co_filename)
        return case.says(
            "home-stays",
            "La vue reçoit ce que l'on a écrit, et ne conduit pas au salon : "
            'return redirect("room", room=…).',
            Place(file, code.co_firstlineno) if file else None,
        )
    if "mène à /," in case.said:
        return case.says(
            "field-without-name",
            "Le champ de l'accueil n'a pas de name : un navigateur n'envoie que les champs nommés.",
            _in_templates(case, None, "<input"),
        )
    return None


def static_file(case):
    """La page demande un fichier que le serveur n'a pas."""
    found = re.search(r"/static/(\S+) répond HTTP 404", case.said)
    if not found:
        return None
    wanted = f"chat/static/{found[1]}"
    files = {PurePosixPath(file).name: file for file in case.project.files if "/static/" in file}
    name = PurePosixPath(wanted).name
    if name in files:
        cause = f"Ce fichier est dans {files[name]}. Déplacez-le : {wanted}."
    elif near := closest(name, files):
        cause = f"Le nom le plus proche est celui de {files[near]}. Écrivez le même des deux côtés."
    else:
        cause = f"Ce fichier n'existe pas. Créez {wanted}."
    return case.says("no-static-file", cause)


def subprotocol(case):
    """La poignée de main ne choisit pas ce qui est proposé, ou choisit ce qui ne l'est pas."""
    accepted = case.called("accept") if case.number >= 7 else []
    if accepted and accepted[0].first:
        return case.says(
            "unasked-subprotocol",
            f"Cette ligne choisit « {accepted[0].first} », même pour un client qui ne propose rien "
            'et refuse alors la connexion. Ne le choisissez que si "json" est dans '
            'self.scope["subprotocols"].',
            accepted[0].place,
            "Un client qui ne propose aucun sous-protocole s'en voit répondre un.",
        )
    if case.goal == "test_subprotocol" and "ne choisit rien" in case.said and accepted:
        return case.says(
            "no-subprotocol",
            'Quand "json" est dans self.scope["subprotocols"], nommez-le : '
            'await self.accept("json").',
            accepted[0].place,
        )
    return None


def two_languages(case):
    """Du texte à qui attend du JSON, ou l'inverse."""
    if case.number < 7:
        return None
    sends = case.called("send")
    sent = sends[0].place if sends else None
    if isinstance(case.error, Misheard) and _is_frame(case.error.heard):
        return case.says(
            "json-for-text",
            "Ce client n'a pas demandé le sous-protocole json, et reçoit du JSON. Envoyez-lui la "
            "phrase, et le JSON à ceux-là seuls qui l'ont demandé.",
            sent,
        )
    if "et ce n'en est pas" in case.said:
        cause = "Ce client a demandé le sous-protocole json : envoyez-lui json.dumps(…)."
        if re.search(r"« \{'", case.said):
            cause = "Ce texte est celui d'un dictionnaire Python, et non du JSON : json.dumps(…)."
        return case.says("text-for-json", cause, sent)
    if re.match(r"Le projet envoie [{\[]", case.said):
        return case.says(
            "not-dumped", "send n'envoie que du texte : écrivez json.dumps(…) autour.", sent
        )
    error, _ = case.find("TypeError", "string indices must be integers")
    if error:
        return case.says(
            "not-loaded",
            "Ce qui arrive est du texte : json.loads(text_data) en fait un dictionnaire.",
            error.place,
        )
    error, _ = case.find("JSONDecodeError")
    if error and case.goal in IN_A_BROWSER:
        return case.says(
            "not-stringified",
            "Ce que la page envoie n'est pas du JSON : écrivez JSON.stringify(…) autour, dans son "
            "fichier JavaScript.",
            _script(case),
        )
    return None


def console(case):
    """La console du navigateur a dit ce qui n'allait pas."""
    complaints = getattr(case.error, "complaints", ())
    if not complaints:
        return None
    said, place = complaints[0], _script(case)
    if found := SCRIPT.search(said):
        files = [file for file in case.project.files if file.endswith(f"/static/{found[1]}")]
        place = Place(files[0], int(found[2])) if files else place
    first = said.splitlines()[0]
    observed = f"{case.observed} La console du navigateur dit : {first}"
    if found := re.match(r"ReferenceError: (\w+) is not defined", first):
        text = case.project.source(place.file).text if place.file else ""
        near = closest(found[1], re.findall(r"(?:function|const|let|var) (\w+)", text))
        cause = f"Rien ne s'appelle « {found[1]} »."
        cause += f" Le nom le plus proche est « {near} »." if near else ""
        return case.says("javascript-name", cause, place, observed)
    for code, pattern, cause in CONSOLE:
        if re.search(pattern, first):
            return case.says(code, cause, place, observed)
    return case.says("javascript", None, place, observed)


def reloaded(case):
    """Le formulaire a emporté la page."""
    if getattr(case.error, "reloaded", False):
        return case.says(
            "page-reloaded",
            "Un formulaire envoyé recharge la page : appelez event.preventDefault() au début de "
            "onsubmit.",
            _script(case),
        )
    return None


def never_knocked(case):
    """La page est ouverte, et son serveur n'a vu venir aucun WebSocket."""
    if case.goal == "test_greeting" and "WebSocket HANDSHAKING /chat/licornes/" not in case.log:
        return case.says(
            "page-never-knocked",
            "La page n'a pas frappé à la porte de ce salon. Son adresse se tire de la page : "
            'location.origin.replace("http", "ws") + location.pathname.',
            _script(case),
        )
    return None


def as_html(case):
    """Un message lu comme du HTML."""
    if case.goal == "test_only_text":
        return case.says(
            "message-as-html",
            "Ce que l'on a dit est lu comme du HTML (innerHTML, insertAdjacentHTML…). Mettez-le "
            "dans la page comme du texte : textContent, ou append.",
            _script(case),
        )
    return None


def outage(case):
    """Une page qui se tait, s'acharne ou renonce quand son serveur s'arrête."""
    if case.goal != "test_return":
        return None
    for code, sign, cause in (
        (
            "outage-unsaid",
            "n'en dit rien",
            "Posez socket.onclose sur chaque nouveau WebSocket, et écrivez-y l'état de la "
            "connexion, en mots.",
        ),
        (
            "outage-storm",
            "a frappé",
            "Attendez avant de frapper de nouveau : setTimeout(connect, …), avec la fonction sans "
            "parenthèses, et un délai en millisecondes qui double à chaque échec.",
        ),
        (
            "no-return",
            "ne reparle pas",
            "Un WebSocket fermé ne se rouvre pas. Après un délai, appelez de nouveau la fonction "
            "qui en ouvre un, et parlez par celui-là.",
        ),
    ):
        if sign in case.said:
            return case.says(code, cause, _script(case))
    return None


def _is_frame(heard: str | None) -> bool:
    try:
        return isinstance(json.loads(heard or ""), dict)
    except ValueError:
        return False


def _script(case) -> Place:
    """Renvoie le fichier JavaScript du projet, s'il n'y en a qu'un."""
    files = [file for file in case.project.files if re.search(r"/static/.*\.js$", file)]
    return Place(files[0] if len(files) == 1 else "")


def _in_templates(case, number: int | None, text: str) -> Place | None:
    """Renvoie le gabarit dont une ligne contient ce texte, s'il n'y en a qu'un."""
    places = [
        Place(file, line)
        for file in case.project.files
        if "/templates/" in file
        for line, content in enumerate(case.project.source(file).lines, 1)
        if text in content and number in (line, None)
    ]
    return places[0] if len({place.file for place in places}) == 1 else None
