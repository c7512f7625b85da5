"""Conduit un vrai navigateur, Chromium ou Firefox, dans la langue qu'il parle.

L'un parle CDP, l'autre WebDriver BiDi : des demandes en JSON sur un websocket, sans pilote à
installer. Chaque attente est bornée.

    async with open_browser("firefox") as browser:
        ada, blaise = await browser.page(), await browser.page()
        await ada.goto(url)
        await ada.type("Salut les gens")
        await ada.press("Enter")
        await ada.wait_for("document.body.innerText.includes('Salut les gens')")
"""

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from workshop.basics import WorkshopError
from workshop.browsers.finding import starting_browser

PATIENCE = 15
# Les touches qui n'écrivent rien : leur numéro pour CDP, leur caractère pour BiDi.
KEYS = {
    "Backspace": (8, "\ue003"),
    "Tab": (9, "\ue004"),
    "Enter": (13, "\ue007"),
    "Shift": (16, "\ue008"),
    "Escape": (27, "\ue00c"),
    "PageUp": (33, "\ue00e"),
    "PageDown": (34, "\ue00f"),
    "End": (35, "\ue010"),
    "Home": (36, "\ue011"),
    "ArrowUp": (38, "\ue013"),
    "ArrowDown": (40, "\ue015"),
}


class DrivingError(WorkshopError):
    """Ce que le navigateur n'a pas fait."""


class Browser:
    """Un navigateur ouvert : des demandes, leurs réponses, et des événements pour ses pages."""

    def __init__(self, socket: ClientConnection, page: type["Page"]):
        self.socket, self.make_page, self.pages = socket, page, []
        self.answers, self.numbers = {}, itertools.count(1)
        self.reading = asyncio.create_task(self._read())

    async def page(self, beside: "Page | None" = None) -> "Page":
        """Ouvre une page pour une nouvelle personne, ou pour celle de la page `beside`."""
        page = self.make_page(self)
        self.pages.append(page)
        await page._open(beside and beside.person)
        return page

    async def ask(self, method: str, params: dict, **addressee: str) -> dict:
        """Renvoie la réponse à une demande ; lève DrivingError si elle est refusée ou ignorée."""
        number, answer = next(self.numbers), asyncio.get_running_loop().create_future()
        demand = {"id": number, "method": method, "params": params, **addressee}
        self.answers[number] = answer
        try:
            async with asyncio.timeout(PATIENCE):
                await self.socket.send(json.dumps(demand))
                said = await answer
        except TimeoutError:
            why = f"Le navigateur ne répond pas à {method} en {PATIENCE} secondes."
            raise DrivingError(why) from None
        except ConnectionClosed:
            said = None
        finally:
            del self.answers[number]
        if said is None:
            raise DrivingError(f"Le navigateur s'est arrêté pendant {method}.")
        if error := said.get("error"):
            why = error["message"] if isinstance(error, dict) else said["message"]
            raise DrivingError(f"Le navigateur refuse {method} : {why}")
        return said["result"]

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.socket:
                said = json.loads(text)
                self._settle(said.get("id"), said)
                for page in self.pages if "method" in said else ():
                    page._hear(said["method"], said["params"], said.get("sessionId"))
        for number in self.answers:
            self._settle(number, None)

    def _settle(self, number: int | None, said: dict | None) -> None:
        answer = self.answers.get(number)
        if answer and not answer.done():
            answer.set_result(said)


class Page:
    """Un onglet. Les sous-classes parlent chacune une langue.

    `errors` est ce dont la page s'est plainte : exceptions que rien n'attrape, console.error,
    règles de sécurité enfreintes ; et les boîtes d'alerte, aussitôt refermées. Les coupures du
    réseau n'en sont pas.
    """

    def __init__(self, browser: Browser):
        self.browser, self.errors = browser, []

    async def goto(self, url: str) -> None:
        """Ouvre une adresse, et attend que tout soit chargé."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._goto(url)
        except (DrivingError, TimeoutError) as error:
            why = error if str(error) else f"rien n'est venu en {PATIENCE} secondes."
            raise DrivingError(f"La page {url} ne s'ouvre pas : {why}") from None

    async def run(self, expression: str):
        """Renvoie la valeur JSON d'une expression JavaScript, ou celle que promet sa promesse."""
        said = await self._evaluate(f"(async () => JSON.stringify(await (\n{expression}\n)))()")
        if thrown := said.get("exceptionDetails"):
            why = thrown.get("exception", {}).get("description", thrown["text"])
            raise DrivingError(f"Le code lève une exception : {why}")
        return json.loads(said["result"].get("value", "null"))

    async def wait_for(self, condition: str, seconds: float = 5) -> None:
        """Attend qu'une expression soit vraie ; lève DrivingError, qui la cite, si elle tarde."""
        trouble = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        if await self.run(f"Boolean({condition})"):
                            return
                        trouble = ""
                    except DrivingError as error:
                        # La page est peut-être en train de changer : ce n'est pas la fin.
                        trouble = f" {error}"
                    await asyncio.sleep(0.05)
        heard = f" La page s'est plainte : {'; '.join(self.errors)}" if self.errors else ""
        raise DrivingError(f"Après {seconds} s, toujours pas : {condition}.{trouble}{heard}")

    async def type(self, text: str) -> None:
        """Tape un texte, touche après touche, dans l'élément qui a le focus."""
        for character in text:
            await self._press([character])

    async def press(self, keys: str) -> None:
        """Appuie sur une touche (« Enter », « Shift+Tab »…) et la relâche."""
        await self._press(keys.split("+"))

    async def offline(self, cut: bool) -> None:
        """Coupe le réseau de la page, ou le rend ; elle en reçoit l'événement.

        Ce qu'elle veut ouvrir échoue. Un websocket déjà ouvert le reste : Chromium garde ses
        messages jusqu'au retour, Firefox les laisse passer.
        """
        raise NotImplementedError

    async def prepare(self, code: str) -> None:
        """Exécute ce code dans chaque page qui s'ouvrira ici, avant les siens."""
        raise NotImplementedError

    async def emulate(self, width: int, dark: bool = False, reduced_motion: bool = False) -> None:
        """Donne à la page une largeur ; et, dans Chromium seulement, le sombre et l'immobile."""
        raise NotImplementedError

    async def screenshot(self) -> bytes:
        """Renvoie l'image, en PNG, de ce que montre la page."""
        raise NotImplementedError


class ChromiumPage(Page):
    """Un onglet qui parle CDP."""

    session = None

    async def _open(self, person: str | None) -> None:
        self.loaded = asyncio.Event()
        if not person:
            person = await self._ask("Target.createBrowserContext", disposeOnDetach=True)
            person = person["browserContextId"]
        self.person, where = person, {"url": "about:blank", "browserContextId": person}
        target = await self._ask("Target.createTarget", newWindow=True, **where)
        attached = await self._ask("Target.attachToTarget", flatten=True, **target)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self._ask(f"{domain}.enable")
        # Sinon, une seule page à la fois aurait le focus.
        await self._ask("Emulation.setFocusEmulationEnabled", enabled=True)

    async def _ask(self, method: str, **params) -> dict:
        addressee = {"sessionId": self.session} if self.session else {}
        return await self.browser.ask(method, params, **addressee)

    def _hear(self, event: str, params: dict, session: str | None) -> None:
        match event, params:
            case _ if session != self.session:
                pass
            case "Page.loadEventFired", _:
                self.loaded.set()
            case "Page.javascriptDialogOpening", {"type": kind, "message": message}:
                self.errors.append(f"{kind} : {message}")
                closing = self._ask("Page.handleJavaScriptDialog", accept=False)
                self.closing = asyncio.create_task(closing)
            case "Runtime.exceptionThrown", {"exceptionDetails": {"exception": thrown} as details}:
                self.errors.append(_placed(_shown(thrown), details))
            case "Runtime.consoleAPICalled", {"type": "error", "args": values}:
                self.errors.append(" ".join(map(_shown, values)))
            case "Log.entryAdded", {"entry": {"level": "error", "source": source, "text": text}}:
                if source != "network":
                    self.errors.append(text)

    async def _goto(self, url: str) -> None:
        self.loaded = asyncio.Event()
        if why := (await self._ask("Page.navigate", url=url)).get("errorText"):
            raise DrivingError(why)
        await self.loaded.wait()

    async def _evaluate(self, code: str) -> dict:
        return await self._ask("Runtime.evaluate", expression=code, awaitPromise=True)

    async def _press(self, keys: list[str]) -> None:
        *held, key = keys
        number = KEYS[key][0] if key in KEYS else 0
        text = "\r" if key == "Enter" else "" if number else key
        common = {"key": key, "windowsVirtualKeyCode": number, "modifiers": 8 * bool(held)}
        await self._ask("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        await self._ask("Input.dispatchKeyEvent", type="keyUp", **common)

    async def offline(self, cut: bool) -> None:
        rates = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await self._ask("Network.emulateNetworkConditions", offline=cut, **rates)

    async def prepare(self, code: str) -> None:
        await self._ask("Page.addScriptToEvaluateOnNewDocument", source=code)

    async def emulate(self, width: int, dark: bool = False, reduced_motion: bool = False) -> None:
        screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        await self._ask("Emulation.setDeviceMetricsOverride", **screen)
        scheme, motion = ("light", "dark")[dark], ("no-preference", "reduce")[reduced_motion]
        wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        await self._ask("Emulation.setEmulatedMedia", features=features)

    async def screenshot(self) -> bytes:
        return base64.b64decode((await self._ask("Page.captureScreenshot"))["data"])


def _placed(text: str, place: dict | None = None) -> str:
    """Ajoute à une exception son fichier et sa ligne, si elle ne les dit pas déjà."""
    if not place or not place.get("url") or place["url"] in text:
        return text
    return f"{text}\n    at {place['url']}:{place['lineNumber'] + 1}"


def _shown(remote: dict) -> str:
    return str(remote.get("value", remote.get("description")))


class FirefoxPage(Page):
    """Un onglet qui parle WebDriver BiDi."""

    context = None

    async def _open(self, person: str | None) -> None:
        if not person:
            person = (await self._ask("browser.createUserContext"))["userContext"]
        self.person = person
        opened = await self._ask("browsingContext.create", type="window", userContext=person)
        self.context = opened["context"]

    async def _ask(self, method: str, **params) -> dict:
        return await self.browser.ask(method, params)

    def _hear(self, event: str, params: dict, session: None) -> None:
        match event, params:
            case "browsingContext.userPromptOpened", {"context": self.context}:
                self.errors.append(f"{params['type']} : {params['message']}")
            case "log.entryAdded", {"level": "error", "source": {"context": self.context}}:
                # Une coupure n'a pas de trace, contrairement à une exception.
                cut = "stackTrace" not in params and "ws://" in params["text"]
                policy = params["text"].startswith("Content-Security-Policy:")
                if policy and "(Report-Only policy)" in params["text"]:
                    return
                if policy or not cut:
                    thrown = params["type"] == "javascript"
                    frames = params.get("stackTrace", {}).get("callFrames", []) if thrown else []
                    self.errors.append(_placed(params["text"], *frames[:1]))

    async def _goto(self, url: str) -> None:
        await self._ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def _evaluate(self, code: str) -> dict:
        where = {"target": {"context": self.context}, "awaitPromise": True}
        return await self._ask("script.evaluate", expression=code, **where)

    async def _press(self, keys: list[str]) -> None:
        values = [KEYS[key][1] if key in KEYS else key for key in keys]
        actions = [{"type": "keyDown", "value": value} for value in values]
        actions += [{"type": "keyUp", "value": value} for value in reversed(values)]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        await self._ask("input.performActions", context=self.context, actions=[source])

    async def offline(self, cut: bool) -> None:
        where = {"contexts": [self.context], "networkConditions": {"type": "offline"}}
        where |= {} if cut else {"networkConditions": None}
        await self._ask("emulation.setNetworkConditions", **where)

    async def prepare(self, code: str) -> None:
        function = f"() => {{ {code} }}"
        where = {"contexts": [self.context]}
        await self._ask("script.addPreloadScript", functionDeclaration=function, **where)

    async def emulate(self, width: int, dark: bool = False, reduced_motion: bool = False) -> None:
        if dark or reduced_motion:
            raise DrivingError("Firefox ne s'assombrit pas sur commande : prenez Chromium.")
        viewport = {"width": width, "height": 800}
        await self._ask("browsingContext.setViewport", context=self.context, viewport=viewport)

    async def screenshot(self) -> bytes:
        said = await self._ask("browsingContext.captureScreenshot", context=self.context)
        return base64.b64decode(said["data"])


@contextlib.asynccontextmanager
async def open_browser(kind: str) -> AsyncIterator[Browser]:
    """Donne un navigateur sans fenêtre, « chromium » ou « firefox », arrêté à la sortie du bloc.

    Lève MissingTool s'il n'est pas sur cette machine.
    """
    with starting_browser(kind) as address:
        async with driven_browser(kind, await address()) as opened:
            yield opened


@contextlib.asynccontextmanager
async def driven_browser(kind: str, address: str) -> AsyncIterator[Browser]:
    """Donne, pour le conduire, le navigateur qui écoute à cette adresse."""
    path, page = {"chromium": ("", ChromiumPage), "firefox": ("/session", FirefoxPage)}[kind]
    async with connect(address + path, max_size=None, ping_interval=None, proxy=None) as socket:
        opened = Browser(socket, page)
        if kind == "firefox":
            await opened.ask("session.new", {"capabilities": {}})
            events = ["log.entryAdded", "browsingContext.userPromptOpened"]
            await opened.ask("session.subscribe", {"events": events})
        yield opened
