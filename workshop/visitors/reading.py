"""Lit les pages d'un serveur comme un navigateur sans écran : cookies, renvois et formulaires."""

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin, urlsplit

from workshop.project.serving import Server


@dataclass
class Form:
    """Un formulaire : où il va, comment, et les attributs de ses champs."""

    action: str
    method: str
    fields: list[dict[str, str]] = field(default_factory=list)

    @property
    def kinds(self) -> list[str]:
        """La sorte de chaque champ : « text », « password », « hidden »…"""
        return [kind(one) for one in self.fields]

    def filled(self, value: Callable[[dict[str, str]], str]) -> dict[str, str]:
        """Renvoie ce qu'envoie un navigateur, quand `value` dit que mettre dans chaque champ."""
        return {one["name"]: value(one) for one in self.fields if one.get("name")}


def kind(field: dict[str, str]) -> str:
    """Renvoie la sorte d'un champ."""
    return field.get("type", "text")


class Page(HTMLParser):
    """Une page lue : sa langue, ses liens, ses formulaires, et les fichiers qu'elle charge."""

    def __init__(self, answer):
        super().__init__()
        self.url, self.headers = answer.url, answer.headers
        self.text = answer.read().decode(errors="replace")
        self.language = ""
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        found = {name: value or "" for name, value in attributes}
        match tag:
            case "html":
                self.language = found.get("lang", "")
            case "a" if "href" in found:
                self.links.append(urljoin(self.url, found["href"]))
            case "form":
                method = found.get("method", "get").lower()
                self.forms.append(Form(urljoin(self.url, found.get("action", "")), method))
            case "input" | "textarea" if self.forms:
                self.forms[-1].fields.append(found)
            case "script" if found.get("src"):
                self.scripts.append(urljoin(self.url, found["src"]))
            case "link" if "stylesheet" in found.get("rel", ""):
                self.styles.append(urljoin(self.url, found["href"]))


class Reader:
    """Quelqu'un qui lit des pages et garde ses cookies. Une page qui ne répond pas est rouge.

    `noun` précède un chemin dans la phrase : « La page », par exemple.
    """

    def __init__(self, server: Server, noun: str = ""):
        self.server, self.noun, self.jar = server, noun, CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        # Un mandataire n'a rien à faire entre nous et cette machine.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    @property
    def cookie(self) -> str:
        """L'en-tête Cookie de ses demandes."""
        return "; ".join(f"{one.name}={one.value}" for one in self.jar)

    def read(self, address: str, data: dict[str, str] | None = None) -> Page:
        """Renvoie une page ; lève AssertionError si le serveur ne la donne pas en dix secondes."""
        url = urljoin(self.server.url, address)
        body = None if data is None else urlencode(data).encode()
        request = urllib.request.Request(url, body, {"Referer": url})
        try:
            with self.opener.open(request, timeout=10) as answer:
                return Page(answer)
        except urllib.error.HTTPError as refusal:
            path = urlsplit(refusal.url).path
            raise AssertionError(f"{self.noun}{path} répond HTTP {refusal.code}.") from None
        except OSError as error:
            raise AssertionError(f"{self.noun}{address} ne répond pas : {error}.") from None

    def send(self, form: Form, values: dict[str, str]) -> Page:
        """Envoie un formulaire rempli, et renvoie la page où il mène."""
        if form.method == "post":
            return self.read(form.action, values)
        return self.read(f"{form.action.partition('?')[0]}?{urlencode(values)}")
