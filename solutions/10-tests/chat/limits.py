import asyncio
import time
from weakref import WeakValueDictionary

LONGEST_TEXT = 10_000
LONGEST_FRAME = 2**16
LONGEST_QUEUE = 100
PRICE_TO_ENTER = 5
TURN_SECONDS = 0.02
REFUSED_SECONDS = 0.25
REFUSED_BEFORE_CLOSING = 50

TOO_BIG = 1009
SESSION_ENDED = 4401
TOO_MANY = 4429


class Refusal(Exception):
    """Un refus et sa raison ; `wait` : dans combien de secondes réessayer, si cela peut changer."""

    def __init__(self, reason, key=None, wait=None):
        super().__init__(reason)
        self.reason, self.key, self.wait = reason, key, wait


class Allowance:
    """Ce à quoi quelqu'un a droit : des connexions, et un seau qui regagne des jetons."""

    def __init__(self, connections, tokens, per_second):
        self.connections, self.size, self.per_second = connections, tokens, per_second
        self.open, self.tokens, self.filled = 0, tokens, time.monotonic()

    def enter(self):
        """Compte une connexion ; lève Refusal si c'est une de trop."""
        if self.open == self.connections:
            raise Refusal("Trop de connexions. Fermez d'autres pages du chat.", wait=30)
        self.open += 1

    def leave(self):
        self.open -= 1
        # Retenu le temps de remplir le seau : partir et revenir ne le remplit pas plus vite.
        asyncio.get_running_loop().call_later(self.size / self.per_second, lambda: self)

    def take(self, price):
        """Prend des jetons ; lève Refusal s'il n'y en a pas assez."""
        now = time.monotonic()
        gained = (now - self.filled) * self.per_second
        self.tokens = min(self.size, self.tokens + gained)
        self.filled = now
        if self.tokens < price:
            raise Refusal("Vous parlez trop vite.", wait=(price - self.tokens) / self.per_second)
        self.tokens -= price


shared = WeakValueDictionary()


class Visit:
    """Une connexion et ce à quoi elle a droit : pour elle, pour la personne, pour l'adresse."""

    def __init__(self, scope):
        self.allowances, self.entered, self.turn = [Allowance(1, 100, 5)], [], 0
        if scope["user"].is_authenticated:
            self.share(f"personne {scope['user'].pk}", Allowance(20, 500, 20))
        if scope.get("client"):
            self.share(f"adresse {scope['client'][0]}", Allowance(200, 1500, 20))

    def share(self, owner, allowance):
        self.allowances.append(shared.setdefault(owner, allowance))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        while self.entered:
            self.entered.pop().leave()

    def enter(self):
        """Compte la connexion partout ; lève Refusal si c'est une de trop."""
        self.take(PRICE_TO_ENTER)
        for allowance in self.allowances:
            allowance.enter()
            self.entered.append(allowance)

    def take(self, price):
        """Prend des jetons partout ; lève Refusal s'il en manque."""
        for allowance in self.allowances:
            allowance.take(price)

    async def wait_for_turn(self):
        """Laisse passer les autres entre deux trames."""
        await asyncio.sleep(self.turn - time.monotonic())
        self.turn = time.monotonic() + TURN_SECONDS
