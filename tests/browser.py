"""Un vrai Chromium, et sa console."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright


@contextmanager
def browser_page(chromium: str) -> Iterator[Page]:
    """Donne une page vide d'un Chromium sans fenêtre."""
    with sync_playwright() as playwright:
        # Sans bac à sable : les machines d'intégration continue tournent souvent en root.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            yield browser.new_page()
        finally:
            browser.close()


def paste(page: Page, code: str) -> str | None:
    """Colle du code dans la console, comme les outils de développement ; renvoie l'erreur levée."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": code, "replMode": True})
    session.detach()
    if thrown := answer.get("exceptionDetails"):
        return thrown["exception"]["description"].splitlines()[0]
    return None
