"""Ceux qui entrent dans un salon par la page, dans un vrai navigateur.

On ne sait rien de cette page : ni ses noms, ni ses mots. On y cherche un champ de texte, on y tape,
et on lit ce qu'elle montre.
"""

import asyncio
import contextlib
import json

from workshop.browsers.driving import DrivingError, Page

PATIENCE = 5
# Un journal peut être une zone de texte ; ce que l'on tape dans le champ n'est pas encore dit.
HELPERS = """
const BUTTON = "button, [type=submit], [type=button]";
const isText = (one) => !/^(hidden|submit|button|reset|image|file|checkbox|radio)$/.test(one.type);
const seen = Array.from(document.querySelectorAll("input, textarea"))
  .filter((one) => isText(one) && !one.disabled && !one.readOnly && one.getClientRects().length);
const field = seen.find((one) => one.tagName === "INPUT") ?? seen.at(-1);
const areas = Array.from(document.querySelectorAll("textarea")).filter((one) => one !== field);
const shown = [document.body.innerText].concat(areas.map((one) => one.value))
  .join(" ").replace(/\\s+/g, " ");
"""


class PageFault(AssertionError):
    """Ce que la page n'a pas fait.

    `complaints` est ce dont elle s'est plainte dans la console, `reloaded` dit si elle s'est
    rechargée.
    """

    def __init__(self, sentence: str, complaints: list[str], reloaded: bool):
        super().__init__(sentence)
        self.complaints, self.reloaded = complaints, reloaded


class PageVisitor:
    """Quelqu'un devant la page d'un salon. Chaque attente est bornée à cinq secondes."""

    def __init__(self, page: Page):
        self.page = page

    async def enter(self, url: str) -> None:
        """Ouvre la page, et y trouve un champ où écrire."""
        await self.page.goto(url)
        await self._run("window.sameVisit = true")
        await self._wait(
            "field", "La page n'a pas de champ de texte où écrire un message.", seconds=2
        )

    async def shows(self, text: str, sentence: str, seconds: float = PATIENCE) -> None:
        """Attend que la page montre un texte ; lève PageFault, avec cette phrase, sinon."""
        wanted = json.dumps(" ".join(text.split()))
        await self._wait(f"shown.includes({wanted})", sentence, seconds)

    async def changes(self, before: str, sentence: str, seconds: float = PATIENCE) -> None:
        """Attend que la page montre autre chose que `before`."""
        await self._wait(f"shown !== {json.dumps(before)}", sentence, seconds)

    async def shown(self) -> str:
        """Renvoie tout ce que la page montre."""
        return await self._run("shown")

    async def say(self, text: str) -> None:
        """Tape un texte dans le champ et appuie sur Entrée ; à défaut, sur le bouton."""
        await self._run("field.focus(), field.value = ''")
        await self.page.type(text)
        await self.page.press("Enter")
        unsent = f"field?.value.trim() === {json.dumps(text)}"
        with contextlib.suppress(PageFault):
            await self._wait(f"!({unsent})", "Entrée n'envoie rien.", seconds=0.5)
            return
        with contextlib.suppress(DrivingError):
            button = (
                "(field.form ?? document).querySelector('button, [type=submit], [type=button]')"
            )
            await self._run(f"{button}?.click()")

    async def stays(self) -> None:
        """Lève PageFault si la page s'est rechargée depuis que l'on est entré."""
        await self._wait(
            "window.sameVisit", "La page s'est rechargée quand on a parlé.", seconds=0.5
        )

    async def value(self, expression: str):
        """Renvoie la valeur d'une expression dans la page."""
        return await self._run(expression)

    async def _run(self, expression: str):
        return await self.page.run(f"(() => {{ {HELPERS} return {expression}; }})()")

    async def _wait(self, condition: str, sentence: str, seconds: float = PATIENCE) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    # Pendant qu'elle se charge, la page ne répond pas.
                    with contextlib.suppress(DrivingError):
                        if await self._run(f"Boolean({condition})"):
                            return
                    await asyncio.sleep(0.05)
        same = True
        with contextlib.suppress(DrivingError):
            same = await self._run("window.sameVisit === true")
        raise PageFault(sentence, [*self.page.errors], not same)
