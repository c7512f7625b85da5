"""Une page d'un vrai Chromium, et sa console."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workshop.browsers.finding import browser

if TYPE_CHECKING:
    from playwright.sync_api import Page


@contextmanager
def browser_page(chromium: str, **options) -> Iterator["Page"]:
    """Donne une page vide d'un Chromium sans fenêtre, avec ces options de Playwright."""
    with browser(chromium) as launched:
        yield launched.new_page(**options)


def paste(page: "Page", code: str) -> str | None:
    """Colle du code dans la console, comme les outils de développement ; renvoie l'erreur levée."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": code, "replMode": True})
    session.detach()
    if thrown := answer.get("exceptionDetails"):
        return thrown["exception"]["description"].splitlines()[0]
    return None
