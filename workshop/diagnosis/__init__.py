"""Explique un but rouge : ce que l'on a observé, la cause probable, la ligne à ouvrir.

Les règles vont des causes les plus sûres aux plus lointaines, et la première qui répond l'emporte.
Une règle reconnaît une cause à ses effets (l'exception, ce qui passe sur le fil, les objets
vivants), jamais au texte du code : la même faute écrite autrement reçoit la même réponse. Sans
règle, on dit ce que l'on a observé et l'on montre la ligne du projet ; jamais une cause fausse.
"""

import traceback
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Diagnosis:
    """Ce que lit l'apprenant sous un but rouge.

    `code` nomme la cause, pour les machines ; `cause` est vide quand aucune n'est sûre. `file` est
    relatif au dossier de `manage.py`.
    """

    code: str
    observed: str
    cause: str | None = None
    file: str | None = None
    line: int | None = None

    @property
    def where(self) -> str:
        """L'endroit à ouvrir, en une phrase ; vide s'il n'y en a pas."""
        if not self.file:
            return ""
        return f"Ouvrez {self.file}, ligne {self.line}." if self.line else f"Ouvrez {self.file}."

    def __str__(self) -> str:
        return "\n".join(filter(None, (self.observed, self.cause, self.where)))


def diagnose(case) -> Diagnosis:
    """Renvoie l'explication d'un but rouge ; `case` est un `workshop.diagnosis.case.Case`."""
    from workshop.diagnosis.rules import RULES, unknown

    for rule in RULES:
        try:
            found = rule(case)
        except Exception:
            # Une règle qui se trompe ne doit pas priver des autres ; sa trace est dans le journal.
            traceback.print_exc()
            continue
        if found:
            return replace(found, observed=found.observed or case.observed)
    return unknown(case)
