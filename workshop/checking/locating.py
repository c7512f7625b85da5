"""La place d'une faute : la plus petite part, de ce qui sépare d'une solution, qui répare.

C'est le débogage par différences (A. Zeller, « Yesterday, my program worked. Today, it does not.
Why? », 1999). On essaie d'abord, un à un, les morceaux que l'erreur désigne : le plus souvent, l'un
d'eux répare à lui seul.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from workshop.diagnosis.edits import Edit, covers, reads

# Deux essais de front : une machine de salle a rarement plus de deux processeurs libres.
ABREAST = 2
# Les morceaux essayés seuls avant de chercher par moitiés.
ALONE = 4

Part = frozenset[Edit]


@dataclass
class Search:
    """Une recherche dans `project` ; `mends` applique des morceaux à une copie, et la juge.

    Elle s'arrête d'elle-même au bout de `seconds`. `checks` compte les essais.
    """

    project: Path
    mends: Callable[[Part], bool]
    seconds: float
    known: dict[Part, bool] = field(default_factory=dict)
    checks: int = 0
    finished: bool = True

    def __post_init__(self):
        self.end = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """Les secondes qui restent."""
        return self.end - time.monotonic()

    @property
    def spent(self) -> float:
        """Les secondes passées depuis le début."""
        return self.seconds - self.left

    def smallest(
        self,
        edits: list[Edit],
        places: list[tuple[str, int | None]],
        base: Part = frozenset(),
        before: Sequence[Part] = (),
    ) -> Part | None:
        """Renvoie la plus petite part qui répare ; None s'il n'y en a pas, ou pas à temps.
        Si le temps manque, c'est la plus petite que l'on ait trouvée, et `finished` est faux.

        `places` sont les endroits que l'erreur désigne, le plus sûr d'abord. `base` est appliquée
        à chaque essai, et n'est pas de la part : elle peut être vide, si `base` répare seule.
        `before` sont des parts à essayer d'abord.
        """
        self.base = base
        extra = [edit for edit in self.ranked(edits, places) if edit.state == "extra"]
        edits = [edit for edit in edits if edit.state != "extra"]
        edits = self.ranked(edits, places)
        alone = [frozenset([edit]) for edit in edits]
        files = [frozenset(e for e in edits if e.file == name) for name in _files(edits)]
        with ThreadPoolExecutor(ABREAST) as self.pool:
            try:
                found = self.first([*before, frozenset(), *alone[: ABREAST - bool(base)]])
                if found is None and not self.first([frozenset(edits)]):
                    # Un fichier de plus est rarement une faute : on s'en passe en dernier.
                    return self.first([frozenset([edit]) for edit in extra[: 3 * ALONE]])
                if found in before:
                    return found
                if found is None and len(edits) <= ALONE:
                    found = self.first(alone)
                if found is None:
                    found = self.first(sorted(files, key=len)) or frozenset(edits)
                return frozenset(self.reduce([edit for edit in edits if edit in found]))
            except TimeoutError:
                self.finished = False
                mending = [part - base for part, good in self.known.items() if good]
                return min(mending, key=len, default=None)

    def ranked(self, edits: list[Edit], places: list[tuple[str, int | None]]) -> list[Edit]:
        """Renvoie les morceaux, ceux que l'erreur désigne d'abord ; un fichier en trop, ensuite."""

        def rank(edit: Edit) -> tuple:
            at = [i for i, place in enumerate(places) if covers(edit, *place, self.project)]
            near = [i for i, (file, _) in enumerate(places) if file in (edit.file, edit.moved)]
            first, close = min(at, default=len(places)), min(near, default=len(places))
            return first, close

        return sorted(edits, key=rank)

    def first(self, parts: list[Part]) -> Part | None:
        """Renvoie la première part qui répare, dans l'ordre ; essaie deux parts de front."""
        for rank in range(0, len(parts), ABREAST):
            some = parts[rank : rank + ABREAST]
            for part, good in zip(some, self.pool.map(self.green, some), strict=True):
                if good:
                    return part
        return None

    def green(self, part: Part) -> bool:
        """Renvoie True si cette part répare. Lève TimeoutError si le temps est écoulé."""
        part |= self.base
        if part not in self.known:
            if not part or not reads(part, self.project):
                return False
            if self.left <= 0:
                raise TimeoutError
            self.checks += 1
            self.known[part] = self.mends(part)
        return self.known[part]

    def reduce(self, part: list[Edit]) -> list[Edit]:
        """Renvoie une part qui répare, et dont aucun morceau n'est de trop."""
        pieces = 2
        while len(part) > 1:
            size = -(-len(part) // pieces)
            chunks = [part[i : i + size] for i in range(0, len(part), size)]
            rests = [[edit for edit in part if edit not in chunk] for chunk in chunks]
            tried = [frozenset(one) for one in (*chunks, *(rests if len(chunks) > 2 else ()))]
            found = self.first(tried)
            if found is not None:
                pieces = 2 if found in tried[: len(chunks)] else max(pieces - 1, 2)
                part = [edit for edit in part if edit in found]
            elif size == 1:
                break
            else:
                pieces = min(2 * pieces, len(part))
        return part


def _files(edits: list[Edit]) -> list[str]:
    return list(dict.fromkeys(edit.file for edit in edits))
