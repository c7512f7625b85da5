"""Ce que l'on entend n'est pas ce que l'on attendait : quel caractère diffère, et pourquoi."""

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterator

from workshop.diagnosis.consumer import mended, no_stack
from workshop.diagnosis.conversation import sendings
from workshop.diagnosis.probe import TEXT
from workshop.diagnosis.rules import rule

NAMES = {
    "": "la fin du texte",
    " ": "une espace",
    "\u00a0": "une espace insécable",
    "\u202f": "une espace fine insécable",
    "\n": "un retour à la ligne",
}
PEOPLE = ("Sam Samson", "anonyme", "Anonymous troll")
# Ce que l'on entend, et ce qu'il trahit : {} est le premier groupe du motif.
TRACES = (
    (
        r"[{\[\"].*[}\]\"]",
        "json-sent",
        "Le consommateur envoie du JSON, comme dans le tutoriel de Channels. Ce chat parle en "
        "texte : envoyez le texte lui-même.",
    ),
    (
        r".*(?:%[sd]|\{\}).*",
        "not-formatted",
        "Le texte contient encore sa place vide : rien n'y a été mis. Écrivez un texte qui "
        "commence par f.",
    ),
    (
        r"(?:<.*> )?b['\"].*",
        "bytes",
        "Ce sont des octets, et non un texte. Lisez text_data, et envoyez le texte lui-même : "
        "self.send(texte).",
    ),
    (
        r".*> None",
        "none-text",
        "La phrase vaut None : ce n'est pas la bonne variable. Ce que dit le visiteur est dans "
        "text_data.",
    ),
)


def misheard(function):
    """Déclare une règle qui reçoit ce que l'on attendait, et ce que l'on a entendu.

    Elle donne un code et une cause, qui valent pour la ligne qui a fait le texte, ou pour celle qui
    répare, où qu'elle soit ; parfois aussi de quoi réparer la première, un motif et ce qui le
    remplace.
    """

    @functools.wraps(function)
    def told(case):
        heard = getattr(case.error, "heard", None)
        if heard is None:
            return
        heard = heard if isinstance(heard, str) else repr(heard)
        sends = [call.place for call in case.called("send") if call.place]
        places = [*case.project.saying(heard), *sends, *sendings(case), None]
        for code, cause, *mend in function(case, case.error.expected, heard):
            for place in places:
                yield code, place, cause, "", mended(case, place, *mend) if mend and place else None

    return rule()(told)


@rule(steps=range(5, 100), said=r"Entendu\W+Bienvenue")
def welcome_to_all(case):
    """La bienvenue part à tout le groupe, et les autres l'entendent. Dans connect, répondez au seul
    visiteur, par self.send."""
    for call in case.called("group_send"):
        if call.place and call.place.function == "connect":
            yield call.place


@rule(goals=("test_room", "test_transcript", "test_real_server"), said=r"Entendu\W+<")
def one_room(case):
    """Tous les salons se rejoignent dans le même groupe."""
    for name, call in [(str(call.first), call) for call in case.called("group_add")]:
        cause = f"""Tous les salons se rejoignent dans le groupe « {name} ». Mettez le nom du salon
        dans celui du groupe."""
        if "poneys" not in name:
            for place in (*case.project.saying(name), call.place, *sendings(case)):
                yield "one-room", place, cause


@misheard
def traces(case, expected, heard):
    """Le texte porte la trace de ce qui l'a fabriqué : du JSON, une place vide, une coroutine."""
    for pattern, code, cause in TRACES:
        found = re.fullmatch(pattern, heard, re.S)
        if found and not re.fullmatch(pattern, expected, re.S):
            yield code, cause.format(*found.groups())


@misheard
def twice(case, expected, heard):
    """La même phrase arrive deux fois."""
    before = getattr(case.error, "before", ())
    if not (before and before[-1] == heard != expected):
        return
    said = [call.place.line for call in case.called("send") if TEXT in str(call.first)]
    lines = " et ".join(str(line) for line in sorted({*said}))
    cause = "La même phrase arrive deux fois."
    if " et " in lines:
        cause = f"""La même phrase arrive deux fois : les lignes {lines} l'envoient toutes deux.
        Gardez celle qui passe par le groupe."""
    yield "said-twice", cause


@misheard
def naming(case, expected, heard):
    """Quelqu'un n'est pas appelé par son nom."""
    wanted = next((name for name in PEOPLE if name in expected), None)
    found = re.match(r"Bienvenue (.*?)\s*!$|<(.*?)>", heard, re.S)
    called = found and (found[1] or found[2] or "")
    # Bien nommé d'abord, puis mal : c'est ce qui range le nom qui est en cause.
    changed = any(wanted in text for text in getattr(case.error, "before", ())) if wanted else True
    if changed or called in (None, wanted) or "<bound" in called:
        return
    if wanted == "Anonymous troll":
        if called in ("", "AnonymousUser", "None"):
            cause = f"""Qui n'est pas identifié s'appelle « Anonymous troll », et non « {called} ».
            Demandez d'abord si user.is_authenticated."""
            yield "anonymous-name", cause
    elif called == "Anonymous troll" and not case.project.using("user"):
        cause = """Le consommateur ne regarde pas qui est là : la personne est dans
        self.scope["user"]."""
        yield "user-ignored", cause
    elif called == "Anonymous troll":
        if case.probe.scope and "user" not in case.probe.scope:
            yield "no-auth-middleware", no_stack(case)
    elif wanted == "Sam Samson":
        cause = f"La personne est appelée « {called} ». Son nom complet est user.get_full_name()."
        yield "not-full-name", cause
    else:
        cause = """Sans nom complet, get_full_name() rend un texte vide. Ajoutez « or
        user.get_username() »."""
        yield "no-username", cause


@misheard
def other_text(case, expected, heard):
    """Un caractère diffère."""
    yield from differences(expected, heard)


def differences(expected: str, heard: str) -> Iterator[tuple[str, str]]:
    """Donne ce qui diffère entre deux textes qui se ressemblent : un code, une phrase."""
    pairs = enumerate(zip(expected, heard, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(expected), len(heard)))
    wanted, found = expected[at : at + 1], heard[at : at + 1]
    if unicodedata.normalize("NFKC", heard) == unicodedata.normalize("NFKC", expected):
        cause = f"""Au caractère {at + 1}, {_name(found)} est à la place de {_name(wanted)}. Un
        traitement de texte ou une messagerie l'a changée : effacez-la et retapez-la."""
        yield "changed-character", cause
    elif heard.strip() == expected:
        cause = "Il y a une espace ou un retour à la ligne de trop au bord du texte."
        yield "extra-space", cause
    elif difflib.SequenceMatcher(None, expected, heard).ratio() >= 0.6:
        cause = f"""Au caractère {at + 1}, {_name(found)} est à la place de {_name(wanted)}. Le
        texte attendu est « {expected} », au signe près."""
        yield "other-text", cause


def _name(text: str) -> str:
    return NAMES.get(text, f"« {text} »")
