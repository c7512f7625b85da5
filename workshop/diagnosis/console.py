"""La console du navigateur : qui n'y parle pas, ou pas comme on l'attend."""

import re
from urllib.parse import urlsplit

from workshop.diagnosis.rules import rule
from workshop.project.sources import Place
from workshop.system.processes import holder

CALL = re.compile(r"new WebSocket\((?P<address>[^;]+)\)")
ROOM = "/chat/poneys/"


@rule(goals="test_voice", said=r"HTTP \d+|poignée de main", outside=True)
def other_server(case):
    """Un autre serveur répond sur le port."""
    cause = f"""Celui qui répond est {holder(urlsplit(case.server).port)}. Si ce n'est pas le
    serveur de votre projet, arrêtez-le, puis démarrez le vôtre dans le terminal « serveur » ; si
    c'est lui, lisez la dernière ligne de son journal."""
    yield "other-server", None, cause


@rule(
    goals="test_voice",
    said=r"n'a dit \xab (?P<wanted>.*?) \xbb\. Dernier message : \xab <.*?> (?P<said>.*) \xbb\.$",
    outside=True,
)
def other_words(case, wanted, said):
    """Une voix est venue du navigateur, et ne dit pas la phrase du chapitre."""
    # Ici : importées plus haut, ses règles passeraient avant toutes celles qui suivent.
    from workshop.diagnosis import texts

    for code, cause in texts.differences(wanted, said):
        yield code, Place("console.js"), cause


@rule(goals="test_voice", outside=True)
def other_room(case):
    """La phrase de console.js est dite dans un autre salon."""
    for number, line in enumerate(case.project.source("console.js").lines, 1):
        room = re.search(r"/chat/([^/\"'`]+)/", line)
        if room and room[1] != "poneys":
            cause = f"console.js parle dans le salon « {room[1]} », et l'on écoute dans « poneys »."
            yield "other-room", Place("console.js", number), cause


def _address(written: str, server: str) -> str | None:
    """Renvoie l'adresse qu'une page du serveur lirait là ; None s'il faudrait exécuter le reste."""
    page = urlsplit(server)
    parts = {"host": page.netloc, "hostname": page.hostname, "port": str(page.port)}
    parts |= {"protocol": f"{page.scheme}:", "origin": server}

    def shown(found) -> str:
        return parts.get(found["part"], "\0")

    filled = re.sub(r"\$\{(?:window\.)?location\.(?P<part>\w+)\}", shown, written)
    filled = re.sub(
        r"(?:window\.)?\blocation\.(?P<part>\w+)", lambda one: f'"{shown(one)}"', filled
    )
    pieces = re.split(r"\s*\+\s*", filled.strip())
    quoted = [re.fullmatch(r"([\"'`])([^\"'`$\0]*)\1", piece) for piece in pieces]
    return "".join(one[2] for one in quoted) if all(quoted) else None


@rule(goals="test_voice", said=r"personne n'a dit", outside=True)
def wrong_address(case):
    """console.js appelle une adresse qui n'est pas celle du salon."""
    text = case.project.source("console.js").text
    call = CALL.search(text)
    address = _address(call["address"], case.server) if call else None
    if not address:
        return
    called, page = urlsplit(address), urlsplit(case.server)
    line = Place("console.js", text[: call.start("address")].count("\n") + 1)
    cause = f"console.js appelle {address}, et le salon est à ws://{page.netloc}{ROOM}"
    if called.scheme in ("wss", "https"):
        cause = f"""« {called.scheme}:// » demande un serveur qui chiffre, et le vôtre ne chiffre
        pas. Écrivez « ws:// »."""
    elif called.port == page.port and re.fullmatch(r"/chat/[^/]+/", called.path):
        return
    yield "other-address", line, cause


@rule(goals="test_voice", outside=True)
def nobody_spoke(case):
    """Personne n'a parlé depuis un navigateur."""
    cause = """Ouvrez une page de votre serveur, puis sa console (F12), collez les lignes de
    console.js et appuyez sur Entrée."""
    # Un navigateur refusé ne laisse pas de trace ici : on ne sait pas si quelqu'un a collé.
    if case.refuses_cookies:
        cause += (
            " Si elle répond « Connexion fermée, code 1006 », tapez python manage.py migrate dans "
            "le terminal « projet », puis recollez : le navigateur porte peut-être le cookie d'un "
            "autre projet Django, et le vôtre n'a pas encore la table où le chercher."
        )
    yield "nobody-spoke", Place("console.js"), cause
