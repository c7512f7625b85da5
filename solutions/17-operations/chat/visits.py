import asyncio
import time
from uuid import uuid4

from .limits import PRICE_TO_ENTER, TURN_SECONDS, Allowance, Refusal, network, shared
from .relay import ask

LEASE_SECONDS = 60

# Redis lit un script d'un trait : personne ne passe entre ce qu'il lit et ce qu'il écrit.
TAKE = """
local size, per_second, price = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local known = redis.call('HMGET', KEYS[1], 'tokens', 'filled')
local tokens, filled = tonumber(known[1]) or size, tonumber(known[2]) or now
tokens = math.min(size, tokens + (now - filled) * per_second)
local wait = math.max(0, price - tokens) / per_second
if wait == 0 then tokens = tokens - price end
redis.call('HSET', KEYS[1], 'tokens', tokens, 'filled', now)
redis.call('EXPIRE', KEYS[1], math.ceil((size - tokens) / per_second) + 1)
return tostring(wait)
"""

ENTER = """
local most, lease, name = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= most and not redis.call('ZSCORE', KEYS[1], name) then
  return 0
end
redis.call('ZADD', KEYS[1], now + lease, name)
redis.call('EXPIRE', KEYS[1], lease)
return 1
"""

LEAVE = "return redis.call('ZREM', KEYS[1], ARGV[1])"


class Shared:
    """Ce à quoi quelqu'un a droit, sur tous les serveurs. Sans Redis, celui-ci compte seul."""

    def __init__(self, owner, *rights):
        self.owner, self.alone = owner, shared.of(owner, *rights)

    async def enter(self, name):
        self.alone.enter()
        if not await self.renew(name):
            self.alone.leave()
            raise Refusal("Trop de connexions. Fermez d'autres pages du chat.", wait=30)

    async def renew(self, name):
        """Prolonge d'un bail la place de cette connexion ; renvoie False s'il n'y en a plus."""
        most = self.alone.connections
        return await ask(ENTER, f"places {self.owner}", most, LEASE_SECONDS, name) != 0

    async def leave(self, name):
        self.alone.leave()
        await ask(LEAVE, f"places {self.owner}", name)

    async def take(self, price):
        rights = self.alone.size, self.alone.per_second
        wait = await ask(TAKE, f"seau {self.owner}", *rights, price)
        if wait is None:
            self.alone.take(price)
        elif float(wait):
            raise Refusal("Vous parlez trop vite.", wait=float(wait))


class Visit:
    """Une connexion et ce à quoi elle a droit : pour elle, pour la personne, pour le réseau."""

    def __init__(self, scope):
        self.own, self.others, self.entered = Allowance(1, 100, 5), [], []
        self.name, self.turn = uuid4().hex, 0
        if scope["user"].is_authenticated:
            self.others.append(Shared(f"personne {scope['user'].pk}", 20, 500, 20))
        if scope.get("client"):
            self.others.append(Shared(network(scope["client"][0]), 200, 1500, 50))

    async def __aenter__(self):
        self.renewing = asyncio.create_task(self.renew())
        return self

    async def __aexit__(self, *error):
        self.renewing.cancel()
        while self.entered:
            await self.entered.pop().leave(self.name)

    async def enter(self):
        """Compte la connexion partout ; lève Refusal si c'est une de trop."""
        await self.take(PRICE_TO_ENTER)
        for one in self.others:
            await one.enter(self.name)
            self.entered.append(one)

    async def renew(self):
        """Un serveur tué ne rend pas ses places : elles ne se gardent qu'en les redemandant."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            for one in self.entered:
                await one.renew(self.name)

    async def take(self, price):
        """Prend des jetons partout ; lève Refusal s'il en manque."""
        self.own.take(price)
        for one in self.others:
            await one.take(price)

    async def wait_for_turn(self):
        """Laisse passer les autres entre deux trames."""
        await asyncio.sleep(self.turn - time.monotonic())
        self.turn = time.monotonic() + TURN_SECONDS
