"""Ce que l'on dit d'un but rouge, et ce que les règles proposent d'en dire."""

from dataclasses import dataclass


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


@dataclass(frozen=True)
class Finding:
    """Ce que propose une règle. Elle n'est entendue que si son endroit répare.

    Sans `file`, les mots valent pour l'endroit qui répare, où qu'il soit. `mend` est sa ligne,
    réparée : la proposition se prouve alors d'elle-même, même dans un projet écrit d'une tout autre
    façon. `outside` : la faute n'est dans aucun fichier (environnement, port, navigateur), et rien
    n'est à réparer.
    """

    code: str
    cause: str
    file: str | None = None
    line: int | None = None
    observed: str = ""
    outside: bool = False
    mend: str | None = None


@dataclass(frozen=True)
class Suspicion:
    """Ce que le processus qui juge sait d'un but rouge, avant que l'on cherche ce qui le répare.

    `places` sont les lignes du projet où l'erreur est passée, la plus proche d'abord ;
    `settings` est le module de réglages que choisit le projet.
    """

    observed: str
    findings: tuple[Finding, ...] = ()
    places: tuple[tuple[str, int | None], ...] = ()
    settings: str = "live.settings"

    @classmethod
    def from_json(cls, found: dict) -> "Suspicion":
        """Renvoie ce qu'un autre processus a écrit en JSON."""
        findings = tuple(Finding(**one) for one in found["findings"])
        places = tuple(map(tuple, found["places"]))
        return cls(found["observed"], findings, places, found["settings"])
