"""Les portes des étapes 11 et 12 : ce qui n'est pas refusé, ce qui l'est à tort, et par qui."""

import ast
import re

from workshop.diagnosis import settings
from workshop.diagnosis.page import pages
from workshop.diagnosis.rules import rule, words
from workshop.diagnosis.settings import entrance
from workshop.project.sources import Place

GATES = range(11, 100)
REFUSALS = ("test_malformed", "test_long_text")
POLICY = "CONTENT_SECURITY_POLICY"


words(
    lambda case: [Place(entrance(case).file)],
    {
        "imported-too-soon": (
            r"ne démarre pas\..*(?:settings are not configured|Apps aren't loaded)",
            "Le chat s'importe après get_asgi_application(), qui charge les réglages et les "
            "applications : remettez ses imports sous cette ligne.",
        ),
    },
)


@rule(
    steps=GATES,
    said=r"paie pour qui parle trop vite|connexion d'une adresse est refusée|refusée aussi",
    observed="Une connexion est refusée pour ce qu'une autre a dépensé.",
)
def one_bucket_for_all(case):
    """Ce que range la classe est créé une fois, et tous y puisent. Créez-le à chaque visite, dans
    __init__."""
    for source in case.project.sources:
        for node in source.nodes:
            for one in node.body if isinstance(node, ast.ClassDef) else ():
                made = [call for call in ast.walk(one) if isinstance(call, ast.Call)]
                if isinstance(one, ast.Assign) and any(is_ours(case, call) for call in made):
                    yield None


def is_ours(case, call: ast.Call) -> bool:
    return case.project.where_is(ast.unparse(call.func)) is not None


@rule(r".*", steps=GATES, goals=REFUSALS, said=r"code 1011")
def uncaught(case, error):
    """Une trame de travers lève une exception que rien n'attrape."""
    if error.kind == "UnboundLocalError":
        cause = """Après un refus, la méthode continue, et il n'y a pas de trame à lire. Finissez le
        bloc « except » par return."""
        yield "refusal-without-return", None, cause
    elif error.kind == "Refusal":
        cause = "Ce refus, personne ne l'attrape : le bloc « except » doit nommer Refusal."
        yield "uncaught-refusal", None, cause
    elif error.place.file:
        cause = f"""Cette trame lève {error.shown}, et personne ne l'attrape. Devant elle,
        frames.read doit lever Refusal, et rien d'autre ; receive l'attrape, et répond par une trame
        « refused »."""
        yield "uncaught-frame", Place(error.place.file), cause


@rule("AttributeError", r"object has no attribute '(?P<name>\w+)'", steps=GATES)
def left_before_entering(case, error, name):
    """disconnect passe aussi pour qui est refusé, et connect n'a pas encore rangé self.{name}.
    Rangez-le avant le premier return."""
    if error.place.function == "disconnect":
        yield None


@rule(steps=GATES, said=r"est refusée \(HTTP 403\)")
def own_page_refused(case):
    """Une page du chat dit « Origin: http://127.0.0.1:8000 », et « Host: 127.0.0.1:8000 ». Un étage
    compare ces deux en-têtes et les trouve différents : affichez-les."""
    if place := case.project.where_is("SameOrigin"):
        yield place


@rule(steps=GATES, goals="test_origin", said=r"entre dans le chat")
def origin(case):
    """Une page d'ailleurs entre dans le chat."""
    if stage := case.project.where_is("SameOrigin"):
        cause = "SameOrigin est écrit, mais aucune connexion n'y passe. Posez-le dans live/asgi.py."
        yield "origin-not-checked", entrance(case), cause
    cause = """AllowedHostsOriginValidator ne compare que des noms de machines, et les cookies ne
    regardent pas le port. Comparez aussi le port : l'en-tête Host donne les deux."""
    yield "port-not-checked", stage, cause


@rule(steps=GATES, goals="test_big_frame", said=r"1006")
def protocol(case):
    """Daphne coupe sans un mot."""
    from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

    chosen = WebSocketFactory.protocol
    if case.application and chosen is WebSocketProtocol:
        cause = """Daphne coupe sans un mot : il lit toujours par son propre protocole. Le module
        qui le remplace est-il importé, par « ready », dans chat/apps.py ?"""
        yield "protocol-not-replaced", None, cause
    elif getattr(chosen, "failByDrop", True):
        cause = "failByDrop vaut True : daphne coupe sans un mot. Donnez-lui la valeur False."
        yield "dropped", case.project.where_is(chosen.__name__), cause


@rule(said=r"n'a pas d'en-tête Content-Security-Policy")
def no_policy(case):
    """La politique est réglée, et rien ne l'écrit ; ou elle ne fait que signaler."""
    stage = "csp.middleware.CSPMiddleware"
    if stage not in (settings.value_of(case, "MIDDLEWARE") or ()):
        cause = f"Il manque « '{stage}', » dans MIDDLEWARE : c'est lui qui écrit l'en-tête."
        yield "no-policy", settings.place_of(case, "MIDDLEWARE"), cause
    elif settings.value_of(case, f"{POLICY}_REPORT_ONLY"):
        cause = f"{POLICY}_REPORT_ONLY ne fait que signaler. Le réglage qui interdit est {POLICY}."
        yield "policy-reports", settings.place_of(case, f"{POLICY}_REPORT_ONLY"), cause


# Ce que dit le but qui regarde la politique, puis ce que dit à tout autre la console de Chromium.
@rule(said=r"sa politique dit « (?P<said>\S+ (?P<sources>.*)) »")
@rule(said=r"violates .*?directive:? [\"'](?P<said>\S+ (?P<sources>.*?))[\"']\. ")
def policy(case, said, sources):
    """La politique interdit à la page ce dont elle a besoin."""
    place = settings.place_of(case, POLICY)
    if re.search(r"(?<!')\b(?:self|none)\b(?!')", sources):
        cause = f"""« {said} » autorise une machine de ce nom. Le mot de la politique a ses
        guillemets à lui : SELF et NONE, de csp.constants."""
        yield "policy-without-quotes", place, cause
    else:
        cause = """La politique interdit à la page ce dont elle a besoin. Autorisez votre serveur,
        SELF, dans default-src, ou dans la directive qui en parle : connect-src, script-src…"""
        yield "policy-too-tight", place, cause
    for page in pages(case, r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle="):
        cause = """La politique refuse ce qui s'exécute depuis le HTML. Mettez-le dans un fichier de
        static/ ; une valeur pour le script se donne par un attribut data-…, ou se lit dans
        l'adresse."""
        yield "inline", page, cause


@rule(steps=GATES, goals=("test_account", "test_logout"))
def cookie_never_comes(case):
    """Le cookie de session ne voyage qu'en HTTPS, et le serveur de développement parle HTTP."""
    for setting in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        if settings.value_of(case, setting):
            cause = f"""{setting} vaut True, et le serveur de développement parle HTTP : le
            navigateur garde ce cookie pour lui. Donnez-lui la valeur not DEBUG."""
            yield "cookie-never-comes", settings.place_of(case, setting), cause


@rule(steps=GATES, goals="test_production")
def production(case):
    """Hors du mode DEBUG, un réglage ne vient pas de l'environnement."""
    place = {
        name: settings.place_of(case, name) or Place(settings.settings_file(case))
        for name in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS")
    }
    if "le serveur démarre" in case.said:
        cause = """DEBUG vaut encore True : une variable d'environnement est toujours du texte, et
        '0' est un texte qui n'est pas vide. Comparez-la à '1'."""
        yield "debug-still-on", place["DEBUG"], cause
        cause = """SECRET_KEY a une valeur de secours, que tout le monde peut lire. Hors du mode
        DEBUG, levez ImproperlyConfigured quand la variable manque."""
        yield "spare-key", place["SECRET_KEY"], cause
    if re.search("ALLOWED_HOSTS|HTTP 400", case.said):
        cause = "ALLOWED_HOSTS doit venir de DJANGO_ALLOWED_HOSTS : os.environ.get(…).split()."
        yield "hosts-not-read", place["ALLOWED_HOSTS"], cause
    for cookie, setting in (
        ("csrftoken", "CSRF_COOKIE_SECURE"),
        ("sessionid", "SESSION_COOKIE_SECURE"),
    ):
        if cookie in case.said:
            cause = f"Donnez à {setting} la valeur not DEBUG."
            yield "cookie-in-clear", Place(settings.settings_file(case)), cause
