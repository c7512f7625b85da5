"""Ceux qui entrent dans un salon par la page, dans un vrai navigateur.

On ne sait rien de cette page : ni ses noms, ni ses mots. On y cherche un champ de texte, on y tape,
et on lit ce qu'elle montre.
"""

import asyncio
import contextlib
import json
from typing import NoReturn

from workshop.browsers.driving import DrivingError, Page
from workshop.visitors.policy import REFUSALS, refusal

PATIENCE = 5
# Un journal peut être une zone de texte ; ce que l'on tape dans le champ n'est pas encore dit.
HELPERS = """
const BUTTON = "button, [type=submit], [type=button]";
const isText = (one) => !/^(hidden|submit|button|reset|image|file|checkbox|radio)$/.test(one.type);
const seen = Array.from(document.querySelectorAll("input, textarea"))
  .filter((one) => isText(one) && !one.disabled && !one.readOnly && one.getClientRects().length);
const field = seen.find((one) => one.tagName === "INPUT") ?? seen.at(-1);
const areas = Array.from(document.querySelectorAll("textarea")).filter((one) => one !== field);
const spaced = (text) => text.replace(/\\s+/g, " ");
const shown = spaced([document.body.innerText].concat(areas.map((one) => one.value)).join(" "));
// Un texte pour les lecteurs d'écran tient dans un pixel : on ne l'y voit pas.
const isUnseen = (one) => one.clientWidth <= 1 && one.clientHeight <= 1
  && getComputedStyle(one).overflow !== "visible";
const times = (text) => Array.from(document.querySelectorAll("body *")).filter(isUnseen)
  .reduce((left, one) => left.replace(spaced(one.innerText ?? ""), ""), shown)
  .split(text).length - 1;
"""
# Le temps de la page passe plus vite ; celui des horloges ne change pas.
FASTER = """
for (const name of ["setTimeout", "setInterval"]) {
  const real = window[name];
  window[name] = function (callback, wait = 0) {
    arguments[1] = wait / %d;
    return real.apply(window, arguments);
  };
}
"""


class PageFault(AssertionError):
    """Ce que la page n'a pas fait, et ce que dit la console.

    `complaints` est ce dont elle s'est plainte dans la console, `reloaded` dit si elle s'est
    rechargée.
    """

    def __init__(self, sentence: str, complaints: list[str], reloaded: bool):
        if complaints:
            first = complaints[0].splitlines()[0]
            sentence = f"{sentence} La console du navigateur dit : {first}"
        super().__init__(sentence)
        self.complaints, self.reloaded = complaints, reloaded


class PageVisitor:
    """Quelqu'un devant la page d'un salon. Chaque attente est bornée à cinq secondes."""

    def __init__(self, page: Page):
        self.page, self.prepared = page, False

    async def hurry(self, times: int) -> None:
        """Presse le temps des pages qui s'ouvriront : leurs minuteries sonnent plus tôt."""
        await self.page.prepare(FASTER % times)

    async def opens(self, url: str) -> None:
        """Ouvre une page ; lève PageFault si sa console se plaint, ou si sa politique la gêne."""
        await self._goto(url)
        await self.is_content()

    async def enter(self, url: str) -> None:
        """Ouvre la page, et y trouve un champ où écrire."""
        await self._goto(url)
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

    async def keeps(self, text: str, sentence: str) -> None:
        """Lève PageFault si un texte n'est ni dans ce que la page montre, ni dans son champ."""
        wanted = json.dumps(" ".join(text.split()))
        kept = f"spaced(`${{shown}} ${{field?.value ?? ''}}`).includes({wanted})"
        await self._wait(kept, sentence, seconds=1)

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

    async def say_lines(self, *lines: str) -> None:
        """Tape des lignes dans le champ, Maj + Entrée entre elles, et appuie sur Entrée."""
        await self._run("field.focus(), field.value = ''")
        for line in lines[:-1]:
            await self.page.type(line)
            await self.page.press("Shift+Enter")
        await self.page.type(lines[-1])
        await self.page.press("Enter")

    async def shows_once(self, text: str, said: str) -> None:
        """Attend que la page montre ce texte, une seule fois ; `said` dit comment il a été dit."""
        wanted = json.dumps(" ".join(text.split()))
        await self.shows(text, f"{said}, et ne le montre pas en {PATIENCE} secondes.")
        # Un double peut encore venir.
        await asyncio.sleep(0.2)
        try:
            await self._wait(f"times({wanted}) === 1", "", seconds=1)
        except PageFault:
            number = await self._run(f"times({wanted})")
            self.fails(f"{said}, et le montre {number} fois.")

    async def is_content(self) -> None:
        """Lève PageFault si la console a une erreur, ou si la politique a refusé quelque chose."""
        path = await self._run("location.pathname")
        if refused := await self._run("window.refusedToPage ?? []"):
            raise PageFault(f"Dans la page {path}, {refusal(refused)}", [], reloaded=False)
        if self.page.errors:
            self.fails(f"Dans la page {path}, la console du navigateur a une erreur.")

    def fails(self, sentence: str) -> NoReturn:
        """Lève PageFault, avec cette phrase et ce que dit la console."""
        raise PageFault(sentence, [*self.page.errors], reloaded=False)

    async def stays(self) -> None:
        """Lève PageFault si la page s'est rechargée depuis que l'on est entré."""
        # Pendant qu'elle se recharge, elle ne répond pas.
        with contextlib.suppress(DrivingError):
            if await self._run("window.sameVisit === true"):
                return
        complaints = [*self.page.errors]
        raise PageFault("La page s'est rechargée quand on a parlé.", complaints, reloaded=True)

    async def value(self, expression: str):
        """Renvoie la valeur d'une expression dans la page."""
        return await self._run(expression)

    async def _goto(self, url: str) -> None:
        if not self.prepared:
            await self.page.prepare(REFUSALS)
            self.prepared = True
        await self.page.goto(url)

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
        same, complaints = True, [*self.page.errors]
        with contextlib.suppress(DrivingError):
            same = await self._run("window.sameVisit === true")
            if refused := await self._run("window.refusedToPage ?? []"):
                # La console le dit aussi, en anglais.
                said = refusal(refused)
                sentence, complaints = f"{sentence} {said[0].upper()}{said[1:]}", []
        raise PageFault(sentence, complaints, not same)
