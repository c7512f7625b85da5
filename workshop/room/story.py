"""Ce que le `suivre` d'une personne dit au tableau : des étapes, des buts, des codes, des heures.

Jamais de code, jamais de chemin. Une histoire est toujours dite en entier : celle qui arrive
remplace la précédente, et un tableau qui renaît n'a rien perdu.
"""

import re
from dataclasses import asdict, dataclass, field
from unicodedata import category, normalize

LONGEST_NAME = 40
MOST_CODES = 20
CODE = re.compile(r"[a-z][a-z0-9-]{0,59}")
# Le début du nom de chaque état d'un but : passed, failed, waiting, skipped.
GOALS = re.compile(r"[pfws]{0,60}")
GOAL = re.compile(r"[\w/-]{0,120}", re.A)
# Un jour et demi : une horloge en retard de plus que cela ne mesure rien.
LONGEST_AGO = 36 * 3600


class Unreadable(ValueError):
    """Une histoire que le tableau ne sait pas lire ; la phrase dit pourquoi."""


@dataclass
class Passage:
    """Le passage d'une personne dans une étape.

    `began` est l'heure où elle l'a commencée, `green` celle où tout y a été vert, `caught` celle
    d'un `rattraper` vers elle, en secondes depuis 1970. `codes` compte les fautes, par code.
    """

    began: float
    green: float | None = None
    caught: float | None = None
    codes: dict[str, int] = field(default_factory=dict)


@dataclass
class Story:
    """L'histoire d'une personne depuis qu'elle a rejoint la salle.

    `step` est l'étape où elle est, `before` celles qui étaient déjà vertes, `verdicts` le nombre
    de vérifications, `last` l'heure de la dernière, `goals` l'état de chaque but en une lettre,
    `goal` le but rouge et `code` sa cause. `red` et `stuck` sont des heures : depuis quand un but
    est rouge, depuis quand la personne se dit bloquée.
    """

    step: str
    before: list[str] = field(default_factory=list)
    passages: dict[str, Passage] = field(default_factory=dict)
    verdicts: int = 0
    last: float | None = None
    goals: str = ""
    goal: str = ""
    code: str = ""
    red: float | None = None
    stuck: float | None = None

    @classmethod
    def from_json(cls, found, steps: list[str], shift: float = 0, now: float = 0) -> "Story":
        """Renvoie l'histoire que dit un objet JSON ; lève Unreadable à la moindre chose de travers.

        `steps` sont les étapes que l'on connaît. `shift` s'ajoute à chaque heure : l'horloge de qui
        parle n'est pas la nôtre. `now` est la nôtre.
        """

        def time(value):
            if value is None:
                return None
            if type(value) not in (int, float) or not abs(value) < 1e11:
                raise Unreadable("Une heure est illisible.")
            return min(max(value + shift, now - LONGEST_AGO), now) if now else value

        def count(value):
            if type(value) is not int or not 0 <= value < 10**6:
                raise Unreadable("Un nombre est illisible.")
            return value

        def word(value, form):
            if not isinstance(value, str) or not form.fullmatch(value):
                raise Unreadable("Un mot est illisible.")
            return value

        def passage(one):
            codes = one["codes"]
            if len(codes) > MOST_CODES:
                raise Unreadable("Trop de fautes différentes dans une étape.")
            return Passage(
                time(one["began"]) or now,
                time(one["green"]),
                time(one["caught"]),
                {word(code, CODE): count(number) for code, number in codes.items()},
            )

        try:
            if found["step"] not in steps:
                raise Unreadable(
                    "Le tableau ne connaît pas cette étape : son atelier est un autre."
                )
            return cls(
                found["step"],
                [slug for slug in steps if slug in found["before"]],
                {
                    slug: passage(found["passages"][slug])
                    for slug in steps
                    if slug in found["passages"]
                },
                count(found["verdicts"]),
                time(found["last"]),
                word(found["goals"], GOALS),
                word(found["goal"], GOAL),
                word(found["code"], CODE) if found["code"] else "",
                time(found["red"]),
                time(found["stuck"]),
            )
        except (KeyError, TypeError, AttributeError):
            raise Unreadable("Ce n'est pas une histoire.") from None

    def as_json(self) -> dict:
        return asdict(self)

    def begin(self, step: str, now: float) -> None:
        """Commence une étape, ou y revient."""
        if step != self.step or step not in self.passages:
            self.goals, self.goal, self.code, self.red, self.stuck = "", "", "", None, None
        self.step = step
        self.passages.setdefault(step, Passage(now))

    def judge(self, step: str, goals: str, goal: str, code: str, passed: bool | None, now: float):
        """Prend note d'une vérification.

        Celle d'une étape que l'on a rattrapée ne compte pas : son vert n'est pas un travail.
        """
        self.verdicts, self.last = self.verdicts + 1, now
        if step < self.caught:
            return
        again = step == self.step and code == self.code
        self.begin(step, now)
        passage = self.passages[step]
        if code and not again and (code in passage.codes or len(passage.codes) < MOST_CODES):
            passage.codes[code] = passage.codes.get(code, 0) + 1
        self.goals, self.goal, self.code = goals, goal, code
        self.red = (self.red or now) if passed is False else None
        if passed:
            self.stuck = None
            if step not in self.before:
                passage.green = passage.green or now

    def catch_up(self, step: str, now: float) -> None:
        """Prend note d'un `rattraper` vers une étape."""
        self.begin(step, now)
        self.passages[step].caught = now

    def go_back(self) -> None:
        """Prend note d'un `rattraper --annuler`."""
        caught = [one for one in self.passages.values() if one.caught]
        if caught:
            max(caught, key=lambda one: one.caught).caught = None

    @property
    def caught(self) -> str:
        """L'étape la plus lointaine que l'on a rattrapée ; vide s'il n'y en a pas."""
        return max((slug for slug, one in self.passages.items() if one.caught), default="")

    def is_done(self, step: str) -> bool:
        """Renvoie True si cette étape n'est plus à faire : verte, ou rattrapée."""
        green = step in self.passages and self.passages[step].green
        return bool(green or step in self.before or step < self.caught)


def clean_name(name: str) -> str:
    """Renvoie un nom tel qu'on peut l'afficher ; lève Unreadable s'il n'en reste rien.

    Ni caractère invisible, ni sens d'écriture renversé, ni pile d'accents.
    """
    kept = []
    for sign in normalize("NFC", name[: 10 * LONGEST_NAME]):
        if category(sign) in ("Mn", "Me") and (not kept or category(kept[-1]) in ("Mn", "Me")):
            continue
        kept.append(" " if category(sign)[0] in "CZ" else sign)
    cleaned = " ".join("".join(kept).split())[:LONGEST_NAME].strip()
    if not any(category(sign)[0] in "LN" for sign in cleaned):
        raise Unreadable("Un nom a au moins une lettre ou un chiffre.")
    return cleaned
