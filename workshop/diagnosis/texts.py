"""Ce que l'on entend n'est pas ce que l'on attendait : quel caractère diffère, et pourquoi."""

import ast
import html
import json
import re
import unicodedata

from workshop.diagnosis.consumer import literal, no_user
from workshop.diagnosis.routing import Layout
from workshop.project.sources import Place

NAMES = {
    " ": "une espace",
    "\u00a0": "une espace insécable",
    "\u202f": "une espace fine insécable",
    "\n": "un retour à la ligne",
    "\t": "une tabulation",
}


def misheard(case):
    """Un texte est venu, et ce n'est pas celui que l'on attendait."""
    error = case.error
    expected, heard = getattr(error, "expected", None), getattr(error, "heard", None)
    if expected is None or heard is None:
        return None
    if isinstance(heard, bytes):
        sends = [call for call in case.called("send") if call.place]
        return case.says(
            "bytes",
            "Ce sont des octets, et non un texte. Envoyez le texte lui-même : self.send(texte).",
            sends[-1].place if sends else None,
        )
    place = said_at(case, heard)
    for rule in (_structure, _room, _twice, _names, _form, _characters):
        if found := rule(case, expected, heard, place):
            return found
    return None


def said_at(case, heard: str) -> Place | None:
    """Renvoie la ligne qui a fabriqué un texte : celle dont un morceau s'y retrouve."""
    best = None
    for source in case.project.sources:
        if source.name == "client.py":
            continue
        for node in source.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                piece = node.value.strip()
                if len(piece) >= 4 and piece in heard and (best is None or len(piece) > best[0]):
                    best = len(piece), Place(source.name, node.lineno)
    echo = heard.startswith("<") or "Bienvenue" not in heard
    sent = case.called("group_send") or case.called("send")[-1:]
    if echo and sent and (best is None or best[0] < 8 or "troll" in heard[:20]):
        inner = _inside(case, sent[0].place)
        return inner or sent[0].place
    return best[1] if best else (sent[0].place if sent else None)


def _inside(case, place: Place | None) -> Place | None:
    """Renvoie la ligne du texte composé dans un appel écrit sur plusieurs lignes."""
    if not place:
        return None
    source = case.project.source(place.file)
    for node in source.nodes:
        if isinstance(node, ast.Call) and node.lineno <= place.line <= node.end_lineno:
            for inner in ast.walk(node):
                if isinstance(inner, ast.JoinedStr):
                    return Place(place.file, inner.lineno)
    return None


def _structure(case, expected, heard, place):
    if heard.lstrip().startswith(("{", "[")):
        try:
            json.loads(heard)
        except ValueError:
            pass
        else:
            return case.says(
                "json-sent",
                "Le consommateur envoie du JSON, comme dans le tutoriel de Channels. Ce chat "
                "parle en texte : envoyez le texte lui-même.",
                _last_send(case),
            )
    if heard.startswith("{'type'"):
        return case.says(
            "not-text",
            "On envoie l'événement entier, un dictionnaire. Envoyez le texte qu'il contient : "
            'event["text"].',
            _last_send(case),
        )
    if "{" in heard and re.search(r"\{[\w.()\[\]\"']+\}", heard) and "{" not in expected:
        return case.says(
            "f-missing",
            "Les accolades sont restées telles quelles : il manque le « f » devant les guillemets.",
            place,
        )
    if found := re.search(r"<coroutine object (\S+)", heard):
        return case.says(
            "coroutine-not-awaited",
            f"Le texte contient une coroutine, {found[1]}, que personne n'a attendue. Écrivez "
            "« await » devant son appel.",
            place,
        )
    if found := re.search(r"<bound method (\S+)", heard):
        name = found[1].rpartition(".")[2]
        return case.says(
            "not-called",
            f"Le texte contient la méthode {name}, et non ce qu'elle renvoie. Ajoutez les "
            f"parenthèses : {name}().",
            _using(case, name) or place,
        )
    if re.search(r"%[sd]|\{\}", heard):
        return case.says(
            "not-formatted",
            "Le texte contient encore sa place vide : rien n'y a été mis. Écrivez un texte qui "
            "commence par f.",
            place,
        )
    if html.unescape(heard) == expected:
        return case.says(
            "escaped",
            "Les chevrons ont été échappés en &lt; et &gt;. Le chat envoie le texte tel quel ; "
            "c'est à la page de se protéger, au chapitre 07.",
            place,
        )
    if heard.startswith(("b'", 'b"')):
        return case.says(
            "bytes",
            "Ce sont des octets, et non un texte. Employez text_data, et envoyez un texte.",
            place,
        )
    if heard.endswith("None") and not expected.endswith("None"):
        return case.says(
            "none-text",
            "La phrase vaut None : ce n'est pas la bonne variable. Ce que dit le visiteur est "
            "dans text_data.",
            place,
        )
    return None


def _room(case, expected, heard, place):
    echo = re.fullmatch(r"<(.*?)> (.*)", heard, re.S)
    joined = case.called("group_add")
    if heard.startswith("Bienvenue") and not expected.startswith("Bienvenue"):
        sent = [
            call
            for call in case.called("group_send")
            if call.place and call.place.function == "connect"
        ]
        if sent:
            return case.says(
                "welcome-to-all",
                "La bienvenue part à tout le groupe, et les autres l'entendent. Dans connect, "
                "répondez au seul visiteur, par self.send.",
                sent[0].place,
            )
        sends = [call for call in case.called("send") if "Bienvenue" in str(call.first)]
        people = len(case.probe.consumers) if case.probe else 1
        if len(sends) > people:
            return case.says(
                "welcome-twice",
                "La bienvenue est envoyée deux fois. Gardez une seule de ces lignes.",
                sends[1].place,
            )
        return case.says(
            "welcome-twice",
            "La bienvenue revient, au lieu de la phrase. Vérifiez ce qu'envoient receive et la "
            "méthode de l'événement.",
            place,
        )
    if (
        echo
        and joined
        and "poneys" not in str(joined[0].first)
        and case.goal in ("test_room", "test_transcript", "test_real_server")
        and echo[2] not in expected
    ):
        return case.says(
            "one-room",
            f"Tous les salons se rejoignent dans le groupe « {joined[0].first} ». Mettez le nom "
            "du salon dans celui du groupe.",
            literal(case, str(joined[0].first), joined[0].place),
        )
    return None


def _twice(case, expected, heard, place):
    before = getattr(case.error, "before", [])
    if before and before[-1] == heard and heard != expected:
        sends = [
            call
            for call in case.called("send")
            if str(call.first) == heard or "Salut" in str(call.first)
        ]
        places = sorted({(call.place.file, call.place.line) for call in sends if call.place})
        if len(places) > 1:
            lines = " et ".join(str(line) for _, line in places)
            return case.says(
                "said-twice",
                f"La même phrase arrive deux fois : les lignes {lines} l'envoient toutes deux. "
                "Gardez celle qui passe par le groupe.",
                Place(*places[-1]),
            )
        sent = case.called("group_send")
        if len(sent) > 1:
            return case.says(
                "said-twice",
                "La même phrase arrive deux fois : group_send est appelé deux fois.",
                sent[1].place,
            )
        return case.says(
            "said-twice",
            "La même phrase arrive deux fois.",
            (places and Place(*places[0])) or place,
        )
    return None


def _names(case, expected, heard, place):
    people = ("Sam Samson", "anonyme", "Anonymous troll")
    wanted = next((name for name in people if name in expected), None)
    if not wanted or wanted in heard:
        return None
    if expected.replace(wanted, "") != heard.replace(
        _said_name(heard), "", 1
    ) and case.goal not in ("test_full_name", "test_username"):
        return None
    if any(wanted in text for text in getattr(case.error, "before", ())):
        return case.says(
            "shared-name",
            "Le nom a changé depuis la bienvenue : il n'est pas rangé dans self, mais en un lieu "
            "commun à tous, et le dernier arrivé le remplace. Écrivez self.name.",
            _shared_at(case) or place,
        )
    if case.goal == "test_full_name" or wanted == "Sam Samson":
        if "Anonymous troll" in heard:
            if case.application and not _reads_user(case):
                return case.says(
                    "user-ignored",
                    "Le consommateur ne regarde pas qui est là : la personne est dans "
                    'self.scope["user"].',
                    place,
                )
            if case.application and not any(
                "Auth" in name or "Session" in name for name in Layout(case.application).middleware
            ):
                return no_user(case)
            return case.says(
                "user-not-named",
                "Une personne connectée reste anonyme : la condition ne reconnaît pas qu'elle est "
                "connectée. Employez user.is_authenticated, sans parenthèses ni « not ».",
                _using(case, "is_authenticated") or place,
            )
        return case.says(
            "not-full-name",
            f"La personne est appelée « {_said_name(heard)} ». Son nom complet est "
            "user.get_full_name().",
            _using(case, "get_full_name")
            or _using(case, "get_username")
            or _using(case, "username")
            or place,
        )
    if wanted == "anonyme":
        return case.says(
            "no-username",
            "Sans nom complet, get_full_name() rend un texte vide. Ajoutez « or "
            "user.get_username() ».",
            _using(case, "get_full_name") or place,
        )
    if _said_name(heard) in ("", "AnonymousUser", "None"):
        return case.says(
            "anonymous-name",
            "Qui n'est pas connecté s'appelle « Anonymous troll », et non "
            f"« {_said_name(heard)} ». Demandez d'abord si user.is_authenticated.",
            _using(case, "is_authenticated") or _using(case, "user") or place,
        )
    return None


def _shared_at(case) -> Place | None:
    """Renvoie la ligne d'un consommateur qui range une valeur ailleurs que dans self."""
    for source in case.project.sources:
        if "Consumer" not in source.text:
            continue
        for node in source.nodes:
            elsewhere = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if isinstance(node, ast.Global) or (elsewhere and ast.unparse(node.value) != "self"):
                return Place(source.name, node.lineno)
    return None


def _said_name(heard: str) -> str:
    found = re.match(r"Bienvenue (.*?)\s*!$|<(.*?)>", heard, re.S)
    return (found[1] if found[1] is not None else found[2]) if found else ""


def _form(case, expected, heard, place):
    if unicodedata.normalize("NFKC", heard) == unicodedata.normalize("NFKC", expected):
        position = (
            next(i for i, (a, b) in enumerate(zip(expected, heard, strict=False)) if a != b)
            if len(expected) == len(heard)
            else None
        )
        if position is not None:
            return case.says(
                "changed-character",
                f"Au caractère {position + 1}, {_name(heard[position])} est à la place "
                f"{_of(expected[position])}. Un traitement de texte ou une messagerie l'a "
                "changée : effacez-la et retapez-la.",
                place,
            )
    if heard.strip() == expected:
        return case.says(
            "extra-space",
            "Il y a une espace ou un retour à la ligne de trop au bord du texte.",
            place,
        )
    if heard.casefold() == expected.casefold():
        return case.says("case", f"Une majuscule diffère : attendu « {expected} ».", place)
    return None


def _characters(case, expected, heard, place):
    position = next(
        (i for i, (a, b) in enumerate(zip(expected, heard, strict=False)) if a != b),
        min(len(expected), len(heard)),
    )
    if _likeness(expected, heard) < 0.6:
        return None
    wanted = expected[position : position + 1]
    found = heard[position : position + 1]
    if wanted and found:
        if heard[position + 1 :] == expected[position:]:
            cause = f"Au caractère {position + 1}, {_name(found)} est de trop."
        elif heard[position:] == expected[position + 1 :]:
            cause = f"Au caractère {position + 1}, il manque {_name(wanted)}."
        else:
            cause = f"Au caractère {position + 1}, {_name(found)} est à la place {_of(wanted)}."
    elif wanted:
        cause = f"La fin manque : {_shown(expected[position:])}."
    else:
        cause = f"La fin est de trop : {_shown(heard[position:])}."
    return case.says(
        "other-text", f"{cause} Le texte attendu est « {expected} », au signe près.", place
    )


def _likeness(expected: str, heard: str) -> float:
    import difflib

    return difflib.SequenceMatcher(None, expected, heard).ratio()


def _name(char: str) -> str:
    return NAMES.get(char, f"« {char} »")


def _of(char: str) -> str:
    name = _name(char)
    return f"d'{name}" if name.startswith("une") else f"de {name}"


def _shown(text: str) -> str:
    return NAMES.get(text, f"« {text} »")


def _last_send(case) -> Place | None:
    sends = case.called("send")
    json_sends = [call for call in sends if str(call.first).lstrip().startswith(("{", "["))]
    return json_sends[0].place if json_sends else None


def _using(case, name: str) -> Place | None:
    """Renvoie la ligne d'un consommateur qui emploie un attribut."""
    for source in case.project.sources:
        if (
            not source.name.endswith(("consumers.py", "consumer.py"))
            and "Consumer" not in source.text
        ):
            continue
        for node in source.nodes:
            if (isinstance(node, ast.Attribute) and node.attr == name) or (
                isinstance(node, ast.Constant) and node.value == name
            ):
                return Place(source.name, node.lineno)
    return None


def _reads_user(case) -> bool:
    return bool(_using(case, "user"))
