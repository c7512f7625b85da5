"""Les horaires d'un atelier : les minutes des chapitres, et ce qui les entoure."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from workshop.basics import WorkshopError
from workshop.chapters.steps import Patch, Run, Step, Write, all_steps, find_step

# Les jeux qui ne sont pas ceux d'une étape, et leurs minutes.
AROUND = {"00-ouverture": 20, "99-cloture": 10}

START = 9 * 60


@dataclass(frozen=True)
class Slot:
    """Un moment de l'horaire : ce que l'on y fait, et ses minutes."""

    what: str
    minutes: int


OPENING = Slot("Ouverture, avec `slides`", AROUND["00-ouverture"])
CLOSING = Slot("Clôture, avec `slides 99`", AROUND["99-cloture"])
WELCOME = Slot("Accueil, et **réserve** pour les machines qui ne sont pas prêtes", 30)
AGAIN = Slot("Accueil : les trois terminaux, et **réserve**", 20)
PAUSE = Slot("Pause", 15)
MEAL = Slot("Repas", 75)
RESERVE = Slot("**Réserve**", 15)

# Un texte est le numéro d'une étape : ses minutes sont celles de son chapitre.
HALF_DAY = (
    Slot("Accueil : les machines, et `rattraper 03` pour qui ne l'a pas fait", 10),
    OPENING,
    Slot("Mise en place : les trois terminaux, `client.py` lu ensemble, avec `slides 02`", 15),
    *("03", "04", Slot("Pause", 10), "05", "06", RESERVE, CLOSING),
)
DAY = (
    *(WELCOME, OPENING, "01", "02", PAUSE, "03", "04", RESERVE, MEAL),
    *("05", PAUSE, "06", RESERVE, PAUSE),
    Slot("Chacun à son pas : les « À vous » des chapitres, les carnets", 60),
    Slot("Un premier regard sur la page, avec `demo --trolls 20`", 20),
    CLOSING,
)
SECOND_DAY = (
    *(AGAIN, "07", PAUSE, "08", RESERVE, MEAL),
    *("09", PAUSE, "10", RESERVE, PAUSE),
    Slot("Un regard sur les portes : le mouvement 1 de 11, projeté", 20),
    CLOSING,
)
THIRD_DAY = (AGAIN, "11", PAUSE, "12", RESERVE, MEAL, "13", RESERVE, CLOSING)
FOURTH_DAY = (AGAIN, "14", PAUSE, "15", RESERVE, MEAL, "16", PAUSE, "17", RESERVE, CLOSING)
# Par sa marque dans ANIMER.md.
PLANS = {
    "demi-journee": HALF_DAY,
    "journee": DAY,
    "deuxieme-journee": SECOND_DAY,
    "troisieme-journee": THIRD_DAY,
    "quatrieme-journee": FOURTH_DAY,
}

# Les colonnes de « Mesurer votre salle », telles que le tableau de la salle les écrit.
MEASURES = (
    *("étape", "début", "la moitié est au bleu", "trois sur quatre", "combien de rattraper"),
    *("minutes médianes", "personnes"),
)
# Après l'un de ces moments, toute la salle se retrouve au début de l'étape qui suit.
BREAKS = ("Accueil", "Pause", "Repas")

# Les minutes de chaque geste. La mesure est le chapitre 05, que l'on suit en 55 minutes.
WEIGHTS = {
    "ligne écrite": Fraction(1, 4),
    "ligne fournie": Fraction(1, 20),
    "endroit changé": Fraction(1, 2),
    "commande": Fraction(1, 2),
    "prévision": Fraction(1),
    "mot lu": Fraction(1, 250),
}
# Un mouvement facultatif le dit dans son titre ; il ne se compte pas.
OPTIONAL = "(facultatif)"
# Avec les mouvements, ce que chacun suit : une variation et les indices sont à qui les veut.
FOLLOWED = {"Point de départ", "Comprendre", "Vérifier"}


def counted(step: Step) -> Counter[str]:
    """Renvoie combien de fois un chapitre demande chaque geste, du départ à la vérification."""
    kept, inside = {}, False
    for number, line in enumerate(step.chapter.read_text("utf-8").splitlines(), 1):
        if line.startswith("## "):
            title = line.removeprefix("## ")
            inside = title in FOLLOWED or bool(re.match(r"\d+\. ", title))
            inside = inside and not title.endswith(OPTIONAL)
        if inside:
            kept[number] = line
    body = "\n".join(kept.values())
    folds = re.findall(r"<summary>(.*?)</summary>", body)
    found = Counter(
        {
            "prévision": sum(not re.search("fichier|lignes", fold) for fold in folds),
            "mot lu": len(re.sub(r"^```.*?^```$", "", body, flags=re.M | re.S).split()),
        }
    )
    for act in step.acts:
        if act.line not in kept:
            continue
        if isinstance(act, Run):
            found["commande"] += len(act.commands)
            continue
        found["endroit changé"] += 1
        if isinstance(act, Write | Patch):
            patch = isinstance(act, Patch)
            lines = (act.diff if patch else act.content).splitlines()
            found["endroit changé"] += lines.count("@@")
            written = [line[1:] for line in lines if line[0:1] == "+"] if patch else lines
            kind = "ligne fournie" if act.given else "ligne écrite"
            found[kind] += sum(bool(line.strip()) for line in written)
    return found


def weighed(found: Counter[str]) -> float:
    """Renvoie les minutes que demandent ces gestes, par leurs poids."""
    return float(sum(WEIGHTS[kind] * number for kind, number in found.items()))


def counts() -> str:
    """Renvoie en tableau ce que pèse chaque geste, et combien chaque chapitre en demande."""
    rows = [
        f"| étape | {' | '.join(WEIGHTS)} | minutes comptées | annoncées |",
        f"|---{'|--:' * (len(WEIGHTS) + 2)}|",
        f"| *minutes pour un* | {' | '.join(map(str, WEIGHTS.values()))} | | |",
    ]
    for step in all_steps():
        found = counted(step)
        numbers = [*(found[kind] for kind in WEIGHTS), round(weighed(found)), step.minutes]
        rows.append(f"| {step.slug[:2]} | {' | '.join(map(str, numbers))} |")
    return "\n".join(rows)


def slots(plan: tuple[Slot | str, ...]) -> list[Slot]:
    """Renvoie les moments d'un horaire ; une étape y a le lien et les minutes de son chapitre."""
    found = []
    for one in plan:
        if isinstance(one, str):
            step = find_step(one)
            title = f"[{step.slug[:2]} · {step.title}](steps/{step.slug}/README.md)"
            one = Slot(title, step.minutes)
        found.append(one)
    return found


def agenda(plan: tuple[Slot | str, ...], start: int = START) -> list[tuple[int, Slot, str]]:
    """Renvoie les moments d'un horaire : la minute de la journée, le moment, et son étape."""
    found, now = [], start
    for one, slot in zip(plan, slots(plan), strict=True):
        found.append((now, slot, one if isinstance(one, str) else ""))
        now += slot.minutes
    return found


def boundaries(plan: tuple[Slot | str, ...]) -> list[str]:
    """Renvoie les frontières d'un horaire : les étapes que la salle commence après une coupure."""
    found, after = [], False
    for one in plan:
        if isinstance(one, Slot):
            after = after or one.what.startswith(BREAKS)
        else:
            # Avant la toute première étape, personne n'a rien à avoir fini.
            found += [one] if after and one != "01" else []
            after = False
    return found


def compared(text: str) -> list[tuple[str, int, float, int]]:
    """Renvoie, par étape qu'une salle a mesurée, les minutes annoncées et celles de la salle.

    `text` est le CSV du tableau ; chaque ligne est une étape, ses minutes annoncées, la médiane des
    minutes qu'elle a prises, et à combien de personnes. Lève WorkshopError s'il n'est pas celui du
    tableau.
    """
    found = []
    for row in csv.DictReader(text.lstrip("\ufeff").splitlines(), delimiter=";"):
        try:
            if not row[MEASURES[0]]:
                break
            if minutes := row[MEASURES[-2]]:
                step = find_step(row[MEASURES[0]])
                measured = float(minutes.replace(",", "."))
                found.append((step.slug[:2], step.minutes, measured, int(row[MEASURES[-1]])))
        except (KeyError, TypeError, ValueError):
            raise WorkshopError(
                "Ce fichier n'est pas celui qu'écrit le tableau de la salle, ou un tableur l'a "
                "changé : il y faut des points-virgules, et la première ligne telle quelle."
            ) from None
    return found


def table(plan: tuple[Slot | str, ...]) -> str:
    """Renvoie un horaire en tableau, de neuf heures à la fin, et sa durée en tout."""
    rows, now = ["| heure | quoi | minutes |", "|---|---|--:|"], START
    for begins, slot, _ in agenda(plan):
        rows.append(f"| {clock(begins)} | {slot.what} | {slot.minutes} |")
        now = begins + slot.minutes
    rows.append(f"| {clock(now)} | Fin | |")
    return "\n".join([*rows, "", f"En tout : {clock(now - START)}."])


def clock(minutes: int) -> str:
    """Renvoie des minutes en heures, comme on les écrit : « 9 h 05 »."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02}"
