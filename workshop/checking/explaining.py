"""Du but rouge à ce que lit l'apprenant : la place que prouve une réparation, puis des mots."""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from workshop.chapters.steps import Step, all_steps
from workshop.checking.judges import Judge, reaches, request
from workshop.checking.locating import Part, Search
from workshop.diagnosis.edits import Edit, apply, covers, edits, uses
from workshop.diagnosis.finding import Diagnosis, Finding, Suspicion
from workshop.diagnosis.movements import Movement, brought_by, reached, to_read_again
from workshop.diagnosis.naming import Naming, named_alike
from workshop.diagnosis.slips import MISSPELT, slip
from workshop.project.comparing import read
from workshop.project.files import copied, copy_project
from workshop.system import nursed

SECONDS = 15
# Ce que l'on y juge n'est pas dans les fichiers du chat : l'environnement, une voix, une suite.
ELSEWHERE = {
    "01-virtualenv": ("test_environment", "test_installed"),
    "06-console": ("test_voice",),
    "13-tests": None,
}


def explain(
    step: Step,
    goal: str,
    project: Path,
    origin: Path,
    python: str,
    suspicion: Suspicion,
    alive: Callable[[], None] = lambda: None,
) -> tuple[Diagnosis, Search | None]:
    """Renvoie le diagnostic d'un but rouge, et la recherche dont il vient, s'il y en a eu une.

    `project` est une copie que personne ne change plus, `origin` le dossier de l'apprenant.
    `alive` est appelé souvent ; l'exception qu'il lève arrête la recherche.
    """
    if step.slug in ELSEWHERE and goal in (ELSEWHERE[step.slug] or (goal,)):
        return first_heard(suspicion, suspicion.findings) or unknown(project, suspicion), None

    def mends(part: Part) -> bool:
        with Judge(step) as judge:
            copy = Path(judge.folder.name) / "live"
            copy_project(project, copy)
            apply(part, copy)
            return reaches(judge, request(copy, origin, python, step), goal, search.left, alive)

    nursed.start(python or sys.executable)
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        near = nearest(project, step)
        naming = named_alike(near.solution, project, suspicion.settings, Path(folder) / "live")
        gap = Gap(project, near, naming)
        search = Search(project, mends, SECONDS)
        part = None
        if gap.written:
            places = [(one.file, one.line) for one in suspicion.findings if one.file]
            places += suspicion.places
            base, cures = frozenset(gap.unwritten), cured(suspicion.findings)
            part = search.smallest(gap.written, places, base, [*cures])
            if part in cures:
                return first_heard(suspicion, [cures[part]]), search
            if part and not search.finished:
                return somewhere(part, suspicion, project), search
        elif gap.unwritten:
            part = frozenset()
        return in_words(gap, suspicion, part), search


def cured(findings: Iterable[Finding]) -> dict[Part, Finding]:
    """Renvoie les propositions qui savent se prouver, par la part qui les prouverait."""
    return {
        frozenset([Edit(one.file, "changed", one.line - 1, one.line, (one.mend,))]): one
        for one in reversed([*findings])
        if one.mend is not None and one.line
    }


class Gap:
    """Ce qui sépare un projet d'une solution, et le mouvement qui apporte chaque morceau.

    `unwritten` sont les morceaux d'un mouvement où le projet n'en est pas encore, `written` les
    autres.
    """

    def __init__(self, project: Path, step: Step, naming: Naming):
        self.project, self.step, self.naming = project, step, naming
        found = edits(project, naming.solution)
        here = reached(project, naming)
        self.brought = {edit: brought_by(edit, naming) for edit in found}
        self.unwritten = {
            edit: movement
            for edit, movement in self.brought.items()
            if movement and movement.act > here and not edit.moved
        }
        self.written = [edit for edit in found if edit not in self.unwritten]


def nearest(project: Path, step: Step) -> Step:
    """Renvoie l'étape dont la solution est la plus proche d'un projet, à partir de celle-ci."""
    mine = _lines(project)
    later = [one for one in all_steps() if one.number >= step.number]

    def apart(one: Step) -> int:
        theirs = _lines(one.solution)
        return (mine - theirs).total() + (theirs - mine).total()

    return min(later, key=apart)


def _lines(project: Path) -> Counter:
    return Counter(
        (path.name, line.strip()) for path in copied(project) for line in read(path).splitlines()
    )


def in_words(gap: Gap, suspicion: Suspicion, part: Part | None) -> Diagnosis:
    """Renvoie ce que l'on dit d'une part qui répare, ou quand il n'y en a pas.

    Vide, elle dit que rien de ce qui est écrit n'est une faute.
    """
    project = gap.project
    if part is None:
        return from_outside(suspicion, project)
    if part:
        edit = principal(part, suspicion, project)
        proven = [one for one in suspicion.findings if _names(one, part, gap)]
        others = sorted(part - {edit}, key=lambda one: (one.file, one.start, one.end, one.rank))
        heard, slipped = first_heard(suspicion, proven), slip([edit, *others], project)
        # Qui n'est pas sur la ligne devine ; un mot mal écrit se voit.
        sure = heard and heard.file == edit.file and edit.start < (heard.line or 0) <= edit.end
        if heard and (sure or not slipped or slipped[0] not in MISSPELT):
            # D'une page, l'erreur ne dit pas la ligne : celle qui répare est plus sûre.
            if heard.line and heard.file.endswith(".py"):
                return heard
            there = [one for one in part if heard.file in (None, one.file, one.moved)]
            return _at(heard, principal(there, suspicion, project)) if there else heard
        seen = next((one.observed for one in proven if one.observed), suspicion.observed)
        suspicion = replace(suspicion, observed=seen)
        if slipped:
            return _at(Diagnosis(slipped[0], suspicion.observed, slipped[1]), edit)
        if not gap.unwritten:
            cause = read_again(edit, to_read_again(edit, gap.naming, gap.step))
            return _at(Diagnosis("read-again", suspicion.observed, cause), edit)
    # Une autre façon d'écrire peut ne pas s'accorder avec la suite du chapitre : ce n'est pas une
    # faute que l'on sache nommer.
    movement = min(gap.unwritten.values(), key=lambda one: one.act)
    files = [edit.file for edit, one in gap.unwritten.items() if one == movement]
    return Diagnosis("not-written", suspicion.observed, not_written(movement, files))


def first_heard(suspicion: Suspicion, findings: Iterable[Finding]) -> Diagnosis | None:
    """Renvoie le diagnostic de la première de ces propositions qui a des mots, s'il y en a une."""
    for one in findings:
        if one.cause:
            observed = one.observed or suspicion.observed
            return Diagnosis(one.code, observed, one.cause, one.file, one.line)
    return None


def from_outside(suspicion: Suspicion, project: Path) -> Diagnosis:
    """Renvoie ce que l'on dit quand rien ne répare : ce qui n'est dans aucun fichier, ou rien."""
    outside = [one for one in suspicion.findings if one.outside]
    return first_heard(suspicion, outside) or unknown(project, suspicion)


def unknown(project: Path, suspicion: Suspicion) -> Diagnosis:
    """Aucune cause n'est sûre : ce que l'on a observé, et la ligne où l'erreur est passée."""
    for file, number in suspicion.places:
        lines = read(project / file).splitlines() if number else []
        if number and number <= len(lines):
            line = lines[number - 1].strip()
            observed = f"{suspicion.observed} La ligne du projet où cela arrive : {line}"
            return Diagnosis("unknown", observed, None, file, number)
    return Diagnosis("unknown", suspicion.observed)


def somewhere(part: Part, suspicion: Suspicion, project: Path) -> Diagnosis:
    """Renvoie ce que l'on dit d'une part que l'on n'a pas eu le temps de réduire : son fichier."""
    files = {edit.moved or edit.file for edit in part}
    if len(files) > 1 or any(one.outside for one in suspicion.findings):
        return from_outside(suspicion, project)
    cause = "C'est dans ce fichier, mais à quelle ligne, je ne l'ai pas trouvé à temps."
    return Diagnosis("somewhere", suspicion.observed, cause, *files)


def principal(part: Iterable[Edit], suspicion: Suspicion, project: Path) -> Edit:
    """Renvoie, d'une part, le morceau à montrer : un fichier déplacé, ce que l'erreur désigne…"""

    def rank(edit: Edit) -> tuple:
        at = [covers(edit, *place, project) for place in suspicion.places]
        imports = all(line.startswith(("from ", "import ")) for line in edit.lines if line)
        first = (not edit.moved, not any(at), bool(edit.lines) and imports)
        # Au même endroit, ce qui est écrit se montre mieux que ce qui manque.
        return first, edit.file, edit.start, edit.start == edit.end, edit.rank

    return min(part, key=rank)


def not_written(movement: Movement, files: list[str]) -> str:
    """Renvoie la phrase de ce qui n'est pas encore écrit, et du mouvement qui l'apporte."""
    shown = ", ".join(dict.fromkeys(files))
    return f"Ce n'est pas encore écrit : c'est {movement} qui s'occupe de {shown}."


def read_again(edit: Edit, movement: Movement | None) -> str:
    """Renvoie la phrase d'une place que rien ne sait mieux dire : quoi relire."""
    if edit.state == "extra":
        return "Ce fichier n'est pas dans le chapitre, et sans lui le but est vert."
    if edit.moved:
        return f"Le projet le cherche sous un autre nom : {edit.file}. Renommez-le, ou déplacez-le."
    if edit.state == "missing":
        what = f"Le fichier {edit.file} manque."
    elif not edit.lines:
        return "Ce qui est écrit ici n'est pas dans le chapitre, et sans cela le but est vert."
    elif edit.start == edit.end:
        what = "Il manque quelque chose après cette ligne."
    else:
        what = "Ce qui est écrit ici n'est pas ce que dit le chapitre, et cela compte."
    if not movement:
        return f"{what} Comparez avec ce que startproject avait écrit."
    return f"{what} Relisez {movement}."


def _at(found: Diagnosis, edit: Edit) -> Diagnosis:
    """Renvoie un diagnostic, à l'endroit d'un morceau."""
    if edit.state != "changed":
        return replace(found, file=edit.moved or edit.file, line=None)
    line = edit.start if edit.start == edit.end else edit.start + 1
    return replace(found, file=edit.file, line=max(line, 1))


def _names(one: Finding, part: Iterable[Edit], gap: "Gap") -> bool:
    """Renvoie True si une proposition nomme un endroit qui répare, ou n'en nomme aucun.

    Ne plus se servir d'un fichier que le chapitre n'a pas, c'est aussi le réparer.
    """
    if one.outside:
        return False
    if not one.file or any(covers(edit, one.file, one.line, gap.project) for edit in part):
        return True
    extra = any((edit.file, edit.state) == (one.file, "extra") for edit in gap.written)
    return extra and any(uses(edit, one.file, gap.project) for edit in part)
