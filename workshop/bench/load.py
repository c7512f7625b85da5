"""Le public d'un chat en course : N connexions, ce qu'elles entendent, et quand.

Usage : `python -m workshop.bench.load`, avec une course en JSON sur l'entrée standard ; le
résultat sort en JSON sur la sortie standard. C'est un processus à part, qui a son processeur.
"""

import asyncio
import contextlib
import json
import math
import socket
import sys
import time
from dataclasses import asdict, dataclass, field

import psutil
from picows import WSError, WSListener, WSMsgType, ws_connect

from workshop.system.processes import Consumption

# Ce qui entoure le numéro d'un message, et que rien d'autre ne contient.
MARK = b"@"
TEXT = "Les poneys mangent du foin, et le disent @%d@ à tout le salon."
JSON_MESSAGE = '{"type": "message", "key": "%s", "text": "%s"}'
# Avec l'allure et la rafale, ce que le chapitre 12 laisse chacun dire d'affilée.
WARM_UP, MEASURED = 10, 45
SILENCE_SECONDS = 8.0
# Un chat lent livre par vagues : on en attend deux entières, et pas plus longtemps.
MOST_SECONDS = 20.0


@dataclass
class Race:
    """Une course : qui l'on mesure, à combien, comment lui parler, et ce que l'on mesure."""

    url: str
    pid: int
    path: str
    clients: int
    says: str = ""
    cpu: int | None = None
    in_flight: int = 16
    seconds: float = 1.5
    pace: float = 5.0
    pace_seconds: float = 4.0
    burst: int = 0


@dataclass
class Result:
    """Ce qu'une course a donné.

    `rate` : messages livrés à la seconde ; `cpu_us` : microsecondes de processeur du serveur, par
    message livré ; `p50_ms` et `p99_ms` : d'un envoi à une réception, à l'allure d'une classe ;
    `memory_kb` : mémoire du serveur, par connexion ; `burst_lost` : part d'une rafale qui n'est pas
    venue en direct ; `busy` : part de son temps que le public a passée à calculer (près de 1, c'est
    lui que l'on a mesuré) ; `refused` : ce que le chat a refusé.
    """

    rate: float | None = None
    cpu_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    memory_kb: float | None = None
    burst_lost: float | None = None
    burst_seconds: float | None = None
    busy: float | None = None
    refused: int = 0
    trouble: str = ""
    delays: list[float] = field(default_factory=list, repr=False)


class Trouble(Exception):
    """Ce qui arrête une course, en une phrase."""


class Member(WSListener):
    """Une connexion du public."""

    def __init__(self, public: "Public"):
        self.public = public

    def on_ws_connected(self, transport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport, frame) -> None:
        public, payload = self.public, frame.get_payload_as_bytes()
        at = payload.find(MARK)
        if at < 0:
            public.notice(frame, payload)
            return
        public.received += 1
        if public.sent_at is not None:
            number = int(payload[at + 1 : payload.index(MARK, at + 1)])
            if number in public.sent_at:
                public.delays.append(time.perf_counter() - public.sent_at[number])
        if public.received >= public.threshold:
            public.say_more()

    def on_ws_disconnected(self, transport) -> None:
        self.public.left += 1


class Public:
    """Tous les membres d'un salon, qui parlent à tour de rôle."""

    def __init__(self, race: Race):
        self.race, self.server = race, Consumption(race.pid)
        self.members: list[Member] = []
        self.is_json = False
        self.said = self.received = self.refused = self.left = 0
        self.threshold, self.most = math.inf, 0
        self.sent_at: dict[int, float] | None = None
        self.delays: list[float] = []

    def notice(self, frame, payload: bytes) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self.refused += payload.startswith(b'{"type": "refused"')

    async def enter(self) -> None:
        """Fait entrer tout le monde, dix à la fois. Lève Trouble si le chat n'en veut pas."""
        several = _has_many_addresses()
        doors = asyncio.Semaphore(10)

        async def enter_one(rank: int) -> Member:
            async with doors:
                # Un chat qui compte par adresse les prendrait pour une seule personne.
                address = f"127.0.{1 + rank // 250}.{1 + rank % 250}"
                more = {"local_addr": (address, 0)} if several else {}
                headers = {"Origin": self.race.url} | (
                    {} if self.race.says else {"Sec-WebSocket-Protocol": "json"}
                )
                url = self.race.url.replace("http", "ws", 1) + self.race.path
                transport, member = await ws_connect(
                    lambda: Member(self),
                    url,
                    extra_headers=headers,
                    websocket_handshake_timeout=20,
                    **more,
                )
                self.is_json = "json" in str(
                    transport.response.headers.get("Sec-WebSocket-Protocol", "")
                )
                return member

        try:
            self.members = await asyncio.gather(*map(enter_one, range(self.race.clients)))
        except (OSError, WSError, TimeoutError) as error:
            raise Trouble(f"Tout le monde n'entre pas : {error}") from None
        # Ce que le chat dit à l'arrivée, et ses dernières inscriptions au groupe.
        await asyncio.sleep(0.3)
        if self.left or self.refused:
            raise Trouble(
                f"Le chat refuse {self.left or self.refused} connexions sur {self.race.clients}."
            )

    def say(self) -> None:
        """Le suivant dit un message."""
        member = self.members[self.said % len(self.members)]
        self.said += 1
        text = TEXT % self.said
        if self.sent_at is not None:
            self.sent_at[self.said] = time.perf_counter()
        if self.race.says:
            text = self.race.says % text
        elif self.is_json:
            text = JSON_MESSAGE % (f"banc-{self.said}", text)
        member.transport.send(WSMsgType.TEXT, text.encode())

    def say_more(self) -> None:
        """Garde le même nombre de messages en route, sans dépasser `most` en tout."""
        if self.said >= self.most:
            self.threshold = math.inf
            return
        self.say()
        self.threshold += len(self.members)

    async def flow(self, seconds: float, each: int) -> int:
        """Parle tant que tout le monde entend : un temps, ou `each` messages par membre au plus.

        Renvoie ce qui a été livré. Lève Trouble si plus rien ne vient.
        """
        people, began = len(self.members), self.received
        self.most = self.said + each * people
        expected = began
        for _ in range(min(self.race.in_flight, each * people)):
            self.say()
        self.threshold = expected + people
        started = time.perf_counter()
        enough = began + 2 * self.race.in_flight * people

        def goes_on() -> bool:
            spent = time.perf_counter() - started
            return spent < seconds or (self.received < enough and spent < MOST_SECONDS)

        last, since = self.received, time.perf_counter()
        while self.threshold < math.inf and goes_on():
            await asyncio.sleep(0.01)
            if self.received != last:
                last, since = self.received, time.perf_counter()
            elif time.perf_counter() - since > SILENCE_SECONDS:
                break
        self.threshold = math.inf
        return self.received - began

    async def settle(self, expected: int) -> None:
        """Attend ce qui est encore en route, jusqu'à un silence."""
        last, since = self.received, time.perf_counter()
        while self.received < expected and time.perf_counter() - since < SILENCE_SECONDS:
            await asyncio.sleep(0.01)
            if self.received != last:
                last, since = self.received, time.perf_counter()

    async def race_through(self, result: Result) -> None:
        """Mesure tout, dans l'ordre ; note chaque chose dès qu'elle est mesurée."""
        race, people = self.race, self.race.clients
        empty = self.server.memory()
        await self.enter()
        result.memory_kb = (self.server.memory() - empty) / people / 1024

        await self.flow(race.seconds / 4, WARM_UP)
        await self.settle(self.said * people)
        cpu, mine, began = self.server.seconds(), time.process_time(), time.perf_counter()
        delivered = await self.flow(race.seconds, MEASURED)
        elapsed = time.perf_counter() - began
        if not delivered:
            raise Trouble("Plus rien n'est livré.")
        result.rate = delivered / elapsed
        result.cpu_us = (self.server.seconds() - cpu) / delivered * 1e6
        result.busy = (time.process_time() - mine) / elapsed
        await self.settle(self.said * people)

        if race.pace_seconds:
            self.sent_at = {}
            for turn in range(int(race.pace * race.pace_seconds)):
                await asyncio.sleep(
                    max(0, 1 / race.pace - (time.perf_counter() - began) * (turn > 0))
                )
                began = time.perf_counter()
                self.say()
            await self.settle(self.received + people)
            self.sent_at = None
            result.delays = sorted(self.delays)
            result.p50_ms = quantile(result.delays, 0.5)
            result.p99_ms = quantile(result.delays, 0.99)

        if race.burst:
            before, began = self.received, time.perf_counter()
            for _ in range(race.burst):
                self.say()
            await self.settle(before + race.burst * people)
            result.burst_seconds = time.perf_counter() - began
            result.burst_lost = 1 - (self.received - before) / (race.burst * people)


def quantile(ordered: list[float], share: float) -> float | None:
    """Renvoie un quantile de durées triées, en millisecondes."""
    if not ordered:
        return None
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _has_many_addresses() -> bool:
    """Renvoie True si la boucle locale a toutes ses adresses ; sous macOS, elle n'en a qu'une."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.1.1", 0))
        except OSError:
            return False
    return True


async def run(race: Race) -> Result:
    """Court une course, et renvoie ce qu'elle a donné, même si quelque chose l'arrête."""
    public, result = Public(race), Result()
    try:
        await public.race_through(result)
    except Trouble as trouble:
        result.trouble = str(trouble)
    except psutil.Error:
        result.trouble = "Le serveur s'est arrêté."
    result.refused = public.refused
    for member in public.members:
        member.transport.disconnect(graceful=False)
    return result


def main() -> None:
    race = Race(**json.loads(sys.stdin.read()))
    if race.cpu is not None:
        psutil.Process().cpu_affinity([race.cpu])
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    result = asdict(asyncio.run(run(race)))
    del result["delays"]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
