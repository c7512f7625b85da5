"""L'adresse qu'appelle console.js, quand personne ne parle depuis le navigateur."""

import re
from urllib.parse import urlsplit

from workshop.diagnosis.rules import rule
from workshop.project.sources import Place

CALL = re.compile(r"new WebSocket\((?P<address>[^;]+)\)")
ROOM = "/chat/poneys/"


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
    text = case.project.source("console.js").text if case.project.has("console.js") else ""
    call = CALL.search(text)
    address = _address(call["address"], case.server) if call else None
    if not address:
        return
    called, page = urlsplit(address), urlsplit(case.server)
    line = Place("console.js", text[: call.start("address")].count("\n") + 1)
    cause = f"console.js appelle {address}, et le salon est à ws://{page.netloc}{ROOM}"
    if called.scheme in ("wss", "https"):
        cause = (
            f"« {called.scheme}:// » demande un serveur qui chiffre, et le vôtre ne chiffre pas. "
            "Écrivez « ws:// »."
        )
    elif called.port == page.port and re.fullmatch(r"/chat/[^/]+/", called.path):
        return
    yield "other-address", line, cause
