"""Le tableau, en mémoire : où chacun en est, et ce que cela dit de la salle."""

import itertools
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass

from workshop.room.story import Story, Unreadable, clean_name

# Au-delà, la plus ancienne des places vides est rendue.
MOST_ROWS, MOST_ROWS_OF_A_NETWORK = 1000, 400
# Sans un enregistrement depuis dix minutes, on ne sait plus rien de quelqu'un.
SILENT_SECONDS = 600


@dataclass
class Row:
    """La ligne d'une personne. `number` est celui de son dernier changement.

    `away` est l'heure où sa connexion s'est fermée, None tant qu'elle est ouverte ; `done`, les
    étapes qui ne sont plus à faire.
    """

    id: int
    name: str
    network: str
    story: Story
    number: int
    connection: object
    away: float | None = None
    done: frozenset[str] = frozenset()

    @property
    def heard(self) -> float:
        """L'heure du dernier signe de vie au clavier."""
        story = self.story
        times = (story.last, story.stuck, *(one.began for one in story.passages.values()))
        return max(filter(None, times), default=0)

    def state(self, now: float) -> str:
        """Renvoie ce que l'on voit d'abord de quelqu'un : stuck, silent, red, green ou busy.

        Qui se tait n'est pas vert : sa connexion est fermée, ou son étape n'est pas finie et il
        n'enregistre plus rien.
        """
        story = self.story
        if story.stuck:
            return "stuck"
        if self.away is not None:
            return "silent"
        if story.red:
            return "red"
        if story.step in self.done:
            return "green"
        return "silent" if now - self.heard > SILENT_SECONDS else "busy"


class Board:
    """Les lignes de la salle. Chaque changement a un numéro : on demande ce qui suit le dernier vu.

    `steps` sont les étapes du parcours. `life` change à chaque naissance du tableau.
    """

    def __init__(self, steps: list[str], clock=time.time):
        self.steps, self.clock = steps, clock
        self.life = f"{clock():.6f}"
        self.rows: dict[str, Row] = {}
        self.number = 0
        self.ids = itertools.count(1)
        self.gone: deque[tuple[int, int]] = deque(maxlen=MOST_ROWS)

    def tell(self, frame, network: str, connection: object) -> Row:
        """Prend note de ce que dit quelqu'un ; lève Unreadable si c'est illisible."""
        now = self.clock()
        match frame:
            case {"token": str(token), "name": str(name), "now": int() | float() as theirs} if (
                8 <= len(token) <= 64 and abs(theirs) < 1e11
            ):
                name = clean_name(name)
                story = Story.from_json(frame.get("story"), self.steps, now - theirs, now)
            case _:
                raise Unreadable("Le tableau ne connaît pas cette demande.")
        self.number += 1
        row = self.rows.get(token)
        if row is None:
            self._make_room(network)
            row = Row(next(self.ids), name, network, story, self.number, connection)
            self.rows[token] = row
        row.name, row.network, row.story = name, network, story
        row.number, row.connection, row.away = self.number, connection, None
        row.done = frozenset(filter(story.is_done, self.steps))
        return row

    def leave(self, token: str, connection: object) -> None:
        """Prend note d'une connexion qui se ferme."""
        row = self.rows.get(token)
        # Quelqu'un qui revient avant que l'on sache qu'il était parti est toujours là.
        if row and row.connection is connection:
            self.number += 1
            row.number, row.away = self.number, self.clock()

    def forget(self, token: str) -> None:
        """Retire la ligne de qui quitte la salle."""
        if row := self.rows.pop(token, None):
            self.number += 1
            self.gone.append((self.number, row.id))

    def _make_room(self, network: str) -> None:
        """Rend une place si la salle est pleine ; lève Unreadable si toutes sont occupées.

        Un réseau trop nombreux ne prend que ses propres places.
        """
        same = {token: row for token, row in self.rows.items() if row.network == network}
        crowd = same if len(same) >= MOST_ROWS_OF_A_NETWORK else self.rows
        if crowd is self.rows and len(self.rows) < MOST_ROWS:
            return
        empty = {token: row for token, row in crowd.items() if row.away is not None}
        if not empty:
            raise Unreadable("La salle est pleine.")
        self.forget(min(empty, key=lambda token: empty[token].away))

    def changes(self, after: int, life: str) -> dict:
        """Renvoie ce qui a changé depuis un numéro ; tout, s'il est d'une autre vie du tableau."""
        # On n'a retenu que les derniers départs : qui a trop attendu reprend tout.
        forgotten = len(self.gone) == MOST_ROWS and after < self.gone[0][0]
        whole = life != self.life or forgotten
        after = -1 if whole else after
        rows = [row for row in self.rows.values() if row.number > after]
        rows.sort(key=lambda row: row.number)
        gone = [one for at, one in self.gone if at > after]
        news = {"life": self.life, "number": self.number, "whole": whole}
        return news | {"rows": rows, "gone": gone}

    def done(self, step: str) -> int:
        """Renvoie combien de personnes en ont fini avec une étape."""
        return sum(step in row.done for row in self.rows.values())

    def here(self, steps: list[str]) -> str:
        """Renvoie l'étape où en est la salle : la première que moins de la moitié a finie."""
        for step in steps:
            if 2 * self.done(step) < max(len(self.rows), 1):
                return step
        return steps[-1]

    def ready(self, step: str) -> list[int]:
        """Renvoie qui peut commencer une étape : tout ce qui la précède est vert, ou rattrapé."""
        before = {one for one in self.steps if one < step}
        return [row.id for row in self.rows.values() if before <= row.done]

    def causes(self) -> list[tuple[tuple[str, str, str], int]]:
        """Renvoie les causes d'un but rouge en ce moment, la plus fréquente d'abord.

        Chacune est une étape, un code et un but. Qui est muet ne compte pas.
        """
        found, goals = Counter(), defaultdict(Counter)
        for row in self.rows.values():
            story = row.story
            if story.red and story.code and row.away is None:
                found[story.step, story.code] += 1
                goals[story.step, story.code][story.goal] += 1
        return [((*key, goals[key].most_common(1)[0][0]), n) for key, n in found.most_common(8)]

    def crowd(self) -> dict[str, Counter]:
        """Renvoie combien de personnes sont à chaque étape, par état."""
        found = {step: Counter() for step in self.steps}
        for row in self.rows.values():
            found[row.story.step][row.state(self.clock())] += 1
        return found
