"""Les seaux de l'étape 12, à l'heure que l'on veut : qui a droit à quoi, derrière une adresse."""

import importlib.util
from types import SimpleNamespace

import pytest

from workshop.chapters.steps import find_step

MINUTES = 5
HEARTBEAT = 10


@pytest.fixture
def clock():
    return SimpleNamespace(now=0.0)


@pytest.fixture
def limits(clock):
    """Le module `chat.limits` de la solution, dont le temps ne passe que si on le veut."""
    path = find_step("12").solution / "chat" / "limits.py"
    spec = importlib.util.spec_from_file_location("limits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.time = SimpleNamespace(monotonic=lambda: clock.now)
    return module


@pytest.fixture
def open_pages(limits):
    """Ouvre des pages d'une même adresse."""
    anonymous = SimpleNamespace(is_authenticated=False)

    def open_pages(number, address="192.0.2.1"):
        visits = [
            limits.Visit({"user": anonymous, "client": [address, port]}) for port in range(number)
        ]
        for visit in visits:
            visit.enter()
            # La première question, à la bienvenue.
            visit.take(1)
        return visits

    return open_pages


def live(clock, pages, talkers, every):
    """Laisse passer cinq minutes : toutes prennent le pouls, quelques-unes parlent."""
    start = int(clock.now)
    for second in range(start, start + 60 * MINUTES):
        clock.now = float(second)
        for rank, page in enumerate(pages):
            if (second + rank) % HEARTBEAT == 0:
                page.take(1)
            if rank < talkers and (second + rank) % every == 0:
                page.take(1)


def test_a_silent_school_is_never_refused(open_pages, clock):
    live(clock, open_pages(200), talkers=0, every=1)


def test_a_class_talks_among_a_silent_school(open_pages, clock):
    live(clock, open_pages(200), talkers=40, every=3)


def test_a_class_talks_twice_as_fast_as_a_class_does(open_pages, clock):
    live(clock, open_pages(40), talkers=40, every=2)


def test_a_school_comes_back_together(open_pages, clock):
    pages = open_pages(200)
    live(clock, pages, talkers=40, every=3)
    for page in pages:
        page.__exit__()
    clock.now += 30
    live(clock, open_pages(200), talkers=40, every=3)


def test_leaving_and_coming_back_does_not_refill(limits, open_pages, clock):
    (page,) = open_pages(1)
    with pytest.raises(limits.Refusal):
        for _ in range(2000):
            page.allowances[1].take(1)
    page.__exit__()
    clock.now += 1
    with pytest.raises(limits.Refusal):
        open_pages(12)


def test_who_has_gone_is_forgotten(limits, open_pages, clock):
    for visit in open_pages(3, "2001:db8::1"):
        visit.__exit__()
    clock.now += 120
    open_pages(1, "192.0.2.9")
    assert [*limits.shared] == ["192.0.2.9"]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("2001:db8:0:7::a", "2001:db8:0:7::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("nulle part", "nulle part"),
    ],
)
def test_network(limits, address, network):
    assert limits.network(address) == network
