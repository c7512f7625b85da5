"""Les horaires d'un atelier : les minutes des chapitres, et ce qui les entoure."""

from dataclasses import dataclass

from workshop.chapters import find_step
from workshop.slides import AROUND

START = 9 * 60


@dataclass(frozen=True)
class Slot:
    """Un moment de l'horaire : ce que l'on y fait, et ses minutes."""

    what: str
    minutes: int


OPENING = Slot("Ouverture, avec `slides`", AROUND["00-ouverture"])
CLOSING = Slot("Clôture, avec `slides 99`", AROUND["99-cloture"])
PAUSE = Slot("Pause", 15)
RESERVE = Slot("**Réserve**", 15)

# Un texte est le numéro d'une étape : ses minutes sont celles de son chapitre.
HALF_DAY = (
    Slot("Accueil : les machines, et `rattraper 03` pour qui ne l'a pas fait", 10),
    OPENING,
    Slot("Mise en place : les trois terminaux, `client.py` lu ensemble, avec `slides 02`", 15),
    *("03", "04", Slot("Pause", 10), "05", "06", RESERVE, CLOSING),
)
DAY = (
    Slot("Accueil, et **réserve** pour les machines qui ne sont pas prêtes", 30),
    *(OPENING, "01", "02", PAUSE, "03", "04", RESERVE),
    Slot("Repas", 75),
    *("05", PAUSE, "06", RESERVE, PAUSE),
    Slot("Chacun à son pas : les « À vous » des chapitres, les carnets", 60),
    Slot("Un premier regard sur la page, avec `demo --trolls 20`", 20),
    CLOSING,
)


def slots(plan: tuple[Slot | str, ...]) -> list[Slot]:
    """Renvoie les moments d'un horaire ; une étape y a le lien et les minutes de son chapitre."""
    return [_step(one) if isinstance(one, str) else one for one in plan]


def table(plan: tuple[Slot | str, ...]) -> str:
    """Renvoie un horaire en tableau, de neuf heures à la fin, et sa durée en tout."""
    rows, now = ["| heure | quoi | minutes |", "|---|---|--:|"], START
    for slot in slots(plan):
        rows.append(f"| {clock(now)} | {slot.what} | {slot.minutes} |")
        now += slot.minutes
    rows.append(f"| {clock(now)} | Fin | |")
    return "\n".join([*rows, "", f"En tout : {clock(now - START)}."])


def clock(minutes: int) -> str:
    """Renvoie des minutes en heures, comme on les écrit : « 9 h 05 »."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02}"


def _step(number: str) -> Slot:
    step = find_step(number)
    title = f"[{step.slug[:2]} · {step.title}](steps/{step.slug}/README.md)"
    return Slot(title, step.minutes)
