from django.utils import timezone
from django.utils.dateparse import parse_datetime
from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

connections = Gauge("chat_connections", "Les connexions ouvertes.")
messages = Counter("chat_messages", "Les messages que ce serveur a gardés.")
refusals = Counter("chat_refusals", "Les refus.")
delivery = Histogram("chat_delivery_seconds", "De gardé à livré.", buckets=SECONDS)


def delivered(messages):
    """Compte ce qu'il a fallu à ces messages, de gardés à livrés."""
    now = timezone.now()
    for sent in (one["sent"] for one in messages if "sent" in one):
        delivery.observe((now - parse_datetime(sent)).total_seconds())
