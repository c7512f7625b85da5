"""La salle que l'on a rejointe : son adresse, le nom que l'on y porte, ce que l'on y a fait.

Retenu jusqu'au soir, chez soi seulement : `suivre` peut s'arrêter et reprendre.
"""

import ipaddress
import json
import re
import socket
import time
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import urlsplit

from workshop.basics import LAUNCHER, WorkshopError
from workshop.chapters.steps import all_steps
from workshop.room.story import Story
from workshop.system.memory import keep, kept

ROOM_PATH = re.compile(r"/(salle(?:-\w+)?)/?", re.A)


@dataclass
class Membership:
    """La place d'une personne dans une salle. `token` la fait reconnaître quand elle revient."""

    url: str
    name: str
    token: str
    story: Story

    def save(self) -> None:
        """La retient jusqu'au soir."""
        found = {"url": self.url, "name": self.name, "token": self.token, "day": _today()}
        keep("room", json.dumps(found | {"story": self.story.as_json()}))

    @property
    def frame(self) -> dict:
        """Ce que l'on dit au tableau : tout, et l'heure qu'il est ici."""
        said = {"token": self.token, "name": self.name, "now": time.time()}
        return said | {"story": self.story.as_json()}


def membership() -> Membership | None:
    """Renvoie la place que l'on a aujourd'hui dans une salle, ou None."""
    try:
        found = json.loads(kept("room") or "{}")
        if found.get("day") != _today():
            return None
        story = Story.from_json(found["story"], [step.slug for step in all_steps()])
        return Membership(found["url"], found["name"], found["token"], story)
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        # Une machine arrêtée pendant l'écriture : on en est quitte pour rejoindre de nouveau.
        return None


def join(url: str, name: str, step: str, green: frozenset[str]) -> Membership:
    """Renvoie une place dans une salle, et la retient. De retour dans la même, on la retrouve.

    Ce qui précède l'étape en cours est derrière soi, et `green` aussi."""
    found = membership()
    if not found or found.url != url:
        before = {one.slug for one in all_steps() if one.slug < step}
        story = Story(step, sorted(before | green))
        story.begin(step, time.time())
        found = Membership(url, name, token_hex(16), story)
    found.name = name
    found.save()
    return found


def leave() -> None:
    """Oublie la salle."""
    keep("room", "")


def caught_up(step: str) -> None:
    """Retient un `rattraper`, si l'on est dans une salle ; vide : son annulation."""
    if found := membership():
        if step:
            found.story.catch_up(step, time.time())
        else:
            found.story.go_back()
        found.save()


def room_address(typed: str) -> str:
    """Renvoie l'adresse d'une salle, comme on l'a tapée : schéma ou barre finale peuvent manquer.

    Le nom d'une machine devient son numéro, une fois pour toutes. Lève WorkshopError si ce n'est
    pas une adresse de salle.
    """
    typed = re.sub(r"""[\s«»<>"']""", "", typed).rstrip(".")
    try:
        parts = urlsplit(typed if "://" in typed else f"http://{typed}")
        found, host, port = ROOM_PATH.fullmatch(parts.path), parts.hostname, parts.port
    except ValueError:
        found = host = port = None
    if not found or not host or parts.scheme != "http":
        raise WorkshopError(
            f"« {typed} » n'est pas l'adresse d'une salle. Recopiez celle qui est au tableau, par "
            f"exemple : {LAUNCHER} rejoindre http://192.168.1.20:8100/salle-k7m2p9/"
        )
    return f"http://{_numbered(host)}:{port or 80}/{found[1]}/"


def _numbered(host: str) -> str:
    """Renvoie le numéro d'une machine ; lève WorkshopError si le réseau ne connaît pas son nom."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        try:
            return socket.getaddrinfo(host, None, socket.AF_INET)[0][4][0]
        except OSError:
            raise WorkshopError(
                f"Le réseau ne connaît pas la machine « {host} ». Prenez l'adresse en chiffres, et "
                "regardez si vous êtes sur le Wi-Fi de la salle."
            ) from None
    return f"[{ip}]" if ip.version == 6 else str(ip)


def _today() -> str:
    return time.strftime("%Y-%m-%d")
