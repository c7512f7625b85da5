import time
from ipaddress import ip_network

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

    def take(self, price):
        """Prend des jetons ; lève Refusal s'il n'y en a pas assez."""
        self.fill()
        if self.tokens < price:
            raise Refusal("Vous parlez trop vite.", wait=(price - self.tokens) / self.per_second)
        self.tokens -= price

    def fill(self):
        now = time.monotonic()
        gained = (now - self.filled) * self.per_second
        self.tokens = min(self.size, self.tokens + gained)
        self.filled = now

    def is_idle(self):
        """Renvoie True si un seau neuf donnerait les mêmes droits."""
        self.fill()
        return self.open == 0 and self.tokens == self.size


class Register(dict):
    """Ce à quoi chacun a droit, où qu'il soit dans le chat."""

    swept = 0

    def of(self, owner, *rights):
        now = time.monotonic()
        if now > self.swept + 60:
            self.swept = now
            for idle in [name for name, one in [*self.items()] if one.is_idle()]:
                del self[idle]
        return self.setdefault(owner, Allowance(*rights))


shared = Register()


def network(address):
    """Renvoie le réseau d'une adresse : en IPv6, on en reçoit des milliards d'un coup, un /64."""
    if ":" not in address or "." in address:
        return address
    return str(ip_network((address.partition("%")[0], 64), strict=False))
