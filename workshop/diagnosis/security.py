"""Les portes de l'étape 09 : ce qui n'est pas refusé, ce qui l'est à tort, et par qui."""

import asyncio
import gc
import subprocess
import sys
import warnings

from channels.testing import WebsocketCommunicator

from workshop.diagnosis.case import Case
from workshop.diagnosis.probe import messages_database
from workshop.project.python import settings_module
from workshop.project.sources import Place
from workshop.system.processes import project_environment

REFUSALS = ("test_malformed", "test_long_text")
HOW = (
    "Lisez-la par frames.read, dans un try, et attrapez Refusal : on répond alors par une trame "
    "« refused »."
)
CHECK = "Ce fichier vérifie les trames : devant celle-ci, il doit lever Refusal, et rien d'autre."


def _is(case: Case, *goals: str) -> bool:
    return case.step.startswith("09-") and case.goal in goals


def uncaught(case: Case):
    """Une trame de travers a levé une exception que le consommateur n'attrape pas."""
    if not _is(case, *REFUSALS) or "code 1011" not in case.said:
        return None
    for error in case.errors:
        if error.kind == "UnboundLocalError":
            return case.says(
                "refusal-without-return",
                "Après un refus, la méthode continue, et il n'y a pas de trame à lire. Finissez le "
                "bloc « except » par return.",
                error.place,
            )
        if error.kind == "Refusal":
            cause = "Ce refus, personne ne l'attrape : le bloc « except » doit nommer Refusal."
            return case.says("uncaught-refusal", cause, error.place)
        if error.place.file:
            how = HOW if error.place.function == "receive" else CHECK
            cause = f"Cette trame lève {error.shown}, et personne ne l'attrape. "
            return case.says("uncaught-frame", cause + how, error.place)
    return None


def not_awaited(case: Case):
    """Le refus est préparé, et personne ne l'envoie."""
    if not _is(case, *REFUSALS) or "ne répond rien" not in case.said or not case.application:
        return None
    with messages_database(case.project.folder), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(_say_nonsense(case.application))
        gc.collect()
    for warning in caught:
        case.warn(warning)
    for name, place in case.unawaited:
        return case.says(
            "coroutine-not-awaited",
            f"Il manque « await » devant cet appel à {name.rpartition('.')[2]} : le refus ne part "
            "jamais.",
            place,
        )
    return None


async def _say_nonsense(application) -> None:
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    visitor = WebsocketCommunicator(application, "/chat/poneys/", headers, ["json"])
    await visitor.connect()
    await visitor.send_to(text_data="salut")
    await visitor.receive_nothing(0.5)
    await visitor.disconnect()


def token(case: Case):
    """Django refuse un formulaire sans jeton."""
    if not _is(case, "test_account", "test_logout") or "HTTP 403" not in case.said:
        return None
    if "CSRF" not in case.log:
        return None
    return case.says(
        "no-csrf-token",
        "Django refuse un formulaire qui ne porte pas son jeton. Mettez {% csrf_token %} entre "
        "<form> et </form>, dans le gabarit de cette page.",
    )


def origin(case: Case):
    """L'origine se compare entière : la machine et le port."""
    if case.step.startswith("09-") and "est refusée (HTTP 403)" in case.said:
        return case.says(
            "own-page-refused",
            "Une page du chat dit « Origin: http://127.0.0.1:8000 », et « Host: 127.0.0.1:8000 ». "
            "Un étage compare ces deux en-têtes et les trouve différents : affichez-les.",
            case.project.where_is("SameOrigin"),
        )
    if not _is(case, "test_origin") or "entre dans le chat" not in case.said:
        return None
    place = case.project.where_is("SameOrigin")
    if place and not _is_entered(case, place):
        cause = "SameOrigin est écrit, mais aucune connexion n'y passe. Posez-le dans live/asgi.py."
        return case.says("origin-not-checked", cause, case.project.where_is("application"))
    cause = (
        "AllowedHostsOriginValidator ne compare que des noms de machines, et les cookies ne "
        "regardent pas le port. Comparez aussi le port : l'en-tête Host donne les deux."
    )
    return case.says("port-not-checked", cause, place)


def _is_entered(case: Case, place: Place) -> bool:
    """Renvoie True si une connexion passe par l'étage défini à cet endroit."""
    entered = []

    def note(frame, event, argument):
        code = frame.f_code
        if case.project.relative(code.co_filename) == place.file and code.co_name == "__call__":
            entered.append(code)

    sys.setprofile(note)
    try:
        with messages_database(case.project.folder):
            asyncio.run(_say_nonsense(case.application))
    finally:
        sys.setprofile(None)
    return bool(entered)


def protocol(case: Case):
    """Daphne lit encore à sa façon."""
    if not _is(case, "test_big_frame") or "1006" not in case.said or not case.application:
        return None
    from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

    chosen = WebSocketFactory.protocol
    if getattr(chosen, "failByDrop", True):
        if chosen is WebSocketProtocol:
            cause = (
                "Daphne coupe sans un mot : il lit toujours par son propre protocole. Le module "
                "qui le remplace est-il importé, par « ready », dans chat/apps.py ?"
            )
            return case.says("protocol-not-replaced", cause, case.project.where_is("ChatConfig"))
        cause = "failByDrop vaut True : daphne coupe sans un mot. Donnez-lui la valeur False."
        return case.says("dropped", cause, case.project.where_is(chosen.__name__))
    return None


def policy(case: Case):
    """La politique est réglée, et l'étage qui l'écrit manque ; ou elle ne fait que rapporter."""
    if not _is(case, "test_csp") or "n'a pas d'en-tête" not in case.said or not case.settings:
        return None
    stage = "csp.middleware.CSPMiddleware"
    place = Place(case.project.modules.get(settings_module(case.project.folder), ""))
    if stage not in getattr(case.settings, "MIDDLEWARE", ()):
        cause = f"Il manque « '{stage}', » dans MIDDLEWARE : c'est lui qui écrit l'en-tête."
    elif hasattr(case.settings, "CONTENT_SECURITY_POLICY_REPORT_ONLY"):
        cause = (
            "CONTENT_SECURITY_POLICY_REPORT_ONLY ne fait que signaler. Le réglage qui interdit "
            "est CONTENT_SECURITY_POLICY."
        )
    else:
        return None
    return case.says("no-policy", cause, place)


def production(case: Case):
    """Hors du mode DEBUG, ce que deviennent les réglages, dans un autre processus."""
    if not _is(case, "test_production"):
        return None
    place = Place(case.project.modules.get(settings_module(case.project.folder), ""))
    if "le serveur démarre" in case.said:
        if _in_production(case, "DEBUG") == "True":
            cause = (
                "DEBUG vaut encore True : une variable d'environnement est toujours du texte, et "
                "'0' est un texte qui n'est pas vide. Comparez-la à '1'."
            )
            return case.says("debug-still-on", cause, place)
        cause = (
            "SECRET_KEY a une valeur de secours, que tout le monde peut lire. Hors du mode DEBUG, "
            "levez ImproperlyConfigured quand la variable manque."
        )
        return case.says("spare-key", cause, place)
    if "ALLOWED_HOSTS" in case.said:
        cause = "ALLOWED_HOSTS doit venir de DJANGO_ALLOWED_HOSTS : os.environ.get(…).split()."
        return case.says("hosts-not-read", cause, place)
    if "voyagerait en clair" in case.said:
        names = {"csrftoken": "CSRF_COOKIE_SECURE", "sessionid": "SESSION_COOKIE_SECURE"}
        wanted = [setting for cookie, setting in names.items() if cookie in case.said]
        if wanted and _in_production(case, wanted[0]) != "True":
            cause = f"Donnez à {wanted[0]} la valeur not DEBUG."
            return case.says("cookie-in-clear", cause, place)
    return None


def _in_production(case: Case, setting: str) -> str:
    """Renvoie ce que vaut un réglage quand DJANGO_DEBUG vaut 0."""
    module = settings_module(case.project.folder)
    command = [sys.executable, "-c", f"import {module} as s; print(getattr(s, {setting!r}, ''))"]
    variables = {"DJANGO_DEBUG": "0", "DJANGO_SECRET_KEY": "k" * 60, "DJANGO_ALLOWED_HOSTS": "a"}
    done = subprocess.run(
        command,
        cwd=case.project.folder,
        env=project_environment() | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    return done.stdout.strip()
