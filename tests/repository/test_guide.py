"""Le guide de la personne qui anime tient ses minutes, et cite les messages mot pour mot."""

import re

import pytest

from workshop.basics import ROOT

GUIDE = (ROOT / "ANIMER.md").read_text("utf-8")
SECTIONS = re.findall(r"^### (\d\d) · (.+?)(?=^##)", GUIDE, re.M | re.S)
# Ils ne viennent pas d'une faute : il n'y a pas d'environnement, ou pas de serveur.
OF_THE_MACHINE = {
    "Django n'est pas installé dans live/.venv.",
    "Aucun serveur sur http://127.0.0.1:8000. Démarrez le vôtre dans le terminal « serveur ».",
}


@pytest.mark.parametrize(("number", "section"), SECTIONS, ids=[number for number, _ in SECTIONS])
def test_a_quoted_message_is_that_of_a_mistake(number, section):
    mistakes = (ROOT / "tests" / "mistakes").glob(f"{number}-*/*.md")
    messages = "\n".join(path.read_text("utf-8") for path in mistakes)
    quoted = {code for code in re.findall(r"`([^`]+)`", section) if re.search(r"\s.+\.$", code)}
    assert [message for message in quoted - OF_THE_MACHINE if message not in messages] == []
    assert quoted


@pytest.mark.parametrize(
    ("title", "minutes"),
    [
        ("## Deux heures pour se préparer", [120]),
        ("## Une heure de plus par journée", [60, 60, 60]),
    ],
)
def test_the_preparation_takes_the_time_it_says(title, minutes):
    part = GUIDE.split(f"{title}\n")[1].split("\n## ")[0]
    lists = re.split(r"^1\. ", part, flags=re.M)[1:]
    found = [re.findall(r"^(?:\d+\. )?\*\*(\d+) min\.\*\*", one, re.M) for one in lists]
    assert [sum(map(int, one)) for one in found] == minutes
