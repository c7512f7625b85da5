"""Les lignes de `preparer` qu'une salle a envoyées : une machine par ligne."""

import re
from dataclasses import dataclass

from workshop.machine.kit import PYTHONS

# Une messagerie coupe une ligne où elle veut, cite par « > », et change les espaces.
LINE = re.compile(
    r"(?P<who>[^\n]{0,80}?)\batelier · (?P<system>[^·\n]{1,80}) · (?P<processor>[^·\n]{1,40}) · "
    r"Python (?P<python>\d+\.\d+)\S* · (?:tout est prêt|à revoir : (?P<trouble>[^\n]{1,200}))"
)
FOLDED = re.compile(
    r"[ \t\xa0]*\n[> \t\xa0]*(?=·|prêt|est prêt|revoir|Python \d)"
    r"|(?:(?<=·)|(?<=revoir[ \xa0]:))[ \t\xa0]*\n[> \t]*"
)


@dataclass(frozen=True)
class Machine:
    """Ce que dit une ligne. `who` est ce qui la précède, `trouble` ce qui est à revoir, ou vide."""

    who: str
    system: str
    processor: str
    python: str
    trouble: str

    @property
    def is_old(self) -> bool:
        """True si ce Python ne convient pas à l'atelier."""
        return self.python not in PYTHONS.split(",") or self.processor.lower() in ("x86", "i686")


def machines(text: str) -> list[Machine]:
    """Renvoie les machines que disent ces lignes ; qui a écrit deux fois compte une fois."""
    lines = re.sub(r"[ \t\xa0\u202f]+", " ", FOLDED.sub(" ", text.replace("\r", "")))
    found = {}
    for one in LINE.finditer(lines):
        who = one["who"].strip(' >\t:;,-–*|"')
        machine = Machine(
            who,
            one["system"].strip(),
            one["processor"].strip(),
            one["python"],
            (one["trouble"] or "").strip(' |"'),
        )
        # La dernière ligne de quelqu'un est la bonne : il a relancé la commande.
        found[who or len(found)] = machine
    return [*found.values()]


def for_the_kit(found: list[Machine]) -> str:
    """Renvoie les options d'`emporter` qui conviennent à ces machines."""
    systems = []
    for one in found:
        name = one.system.lower()
        arm = one.processor.lower() in ("aarch64", "arm64")
        kind = "windows" if "windows" in name else "macos" if "macos" in name else "linux"
        systems.append("linux-arm" if kind == "linux" and arm else kind)
    pythons = sorted({one.python for one in found if not one.is_old}, key=lambda one: int(one[2:]))
    options = f"--systemes {','.join(sorted(set(systems)))}"
    return f"{options} --pythons {','.join(pythons)}" if pythons else options
