"""Les étourderies : ce qui sépare une ligne de celle qui répare tient en un signe ou en un mot.

Ces mots-là valent pour tout projet et tout fichier : ils ne regardent que ce qui répare.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from workshop.diagnosis.edits import Edit
from workshop.project.comparing import read
from workshop.project.sources import closest

Slip = tuple[str, str]
TOKEN = re.compile(r"\w+|[^\w\s]")
IMPORT = re.compile(r"(?:from [\w.]+ )?import .+")
SETTING = re.compile(r"(?P<name>[A-Z][A-Z_]+) = ")
ELEMENT = re.compile(r"[\"'](?P<text>[^\"']+)[\"'],")
DEFINITION = re.compile(r"(?:async )?(?:def|class) (?P<name>\w+)")
HEADER = re.compile(r"proxy_set_header (?P<name>[\w-]+) .*;")
MISSPELT = ("misspelt", "case")
QUOTES = {("'", "'"), ('"', '"')}
# Ce qui vient avec un mot, dans une liste.
AROUND = {",", "'", '"'}
# Ce qui manque à une ligne, ou y est de trop : un code, une phrase.
MISSING = {
    ("await",): (
        "coroutine-not-awaited",
        "Il manque « await » : ce qui est préparé ici n'est jamais fait.",
    ),
    ("async",): ("not-async", "Il manque « async » : cette fonction attend, ou est attendue."),
    ("f",): (
        "f-missing",
        "Il manque le « f » devant les guillemets : les accolades restent telles quelles.",
    ),
    ("(", ")"): (
        "not-called",
        "Il manque les parenthèses : sans elles, la fonction est nommée, et non appelée.",
    ),
    ("self", "."): ("missing-self", "Il manque « self. » : ce nom appartient à l'objet."),
}
TOO_MUCH = {
    ("await",): ("nothing-to-await", "« await » est de trop : il n'y a rien à attendre ici."),
    ("(", ")"): ("called-property", "Les parenthèses sont de trop : ceci se lit sans s'appeler."),
}


def slip(part: list[Edit], project: Path) -> Slip | None:
    """Renvoie le code et la phrase d'une étourderie, si la part en est une ; celle du premier."""
    changed = all(edit.state == "changed" for edit in part)
    if changed and len(part) == 2 and (moved := _moved(part, project)):
        return moved
    found = [next(_slips(edit, project), None) for edit in part]
    return found[0] if all(found) else None


def _texts(edit: Edit, project: Path) -> tuple[list[str], list[str]]:
    """Renvoie les lignes d'un morceau, sans les vides : celles du projet, celles qui réparent."""
    mine = read(project / edit.file).split("\n")[edit.start : edit.end]
    return [line for line in mine if line.strip()], [line for line in edit.lines if line.strip()]


def _moved(part: list[Edit], project: Path) -> Slip | None:
    """Renvoie ce que l'on dit des mêmes lignes, retirées d'un endroit et remises en un autre."""
    (mine, kept), (lost, theirs) = sorted(
        (_texts(edit, project) for edit in part), key=lambda texts: not texts[0]
    )
    if (
        kept
        or lost
        or not mine
        or [line.split() for line in mine] != [line.split() for line in theirs]
    ):
        return None
    if part[0].file != part[1].file:
        files = " et ".join(sorted(edit.file for edit in part))
        return "misplaced-lines", f"Ces lignes ne sont pas dans le bon fichier : voyez {files}."
    here, there = _indent(mine[0]), _indent(theirs[0])
    if here != there:
        return "outside-block", f"{_wide(here, there)} Elle est hors de son bloc."
    return "misplaced-lines", "Ces lignes ne sont pas à leur place, et l'ordre compte ici."


def _slips(edit: Edit, project: Path) -> Iterator[Slip]:
    if edit.state != "changed":
        return
    mine, theirs = _texts(edit, project)
    if not mine and not theirs:
        return
    lines = read(project / edit.file).split("\n")
    if not any(line.strip() for line in lines):
        yield "empty-file", f"{edit.file} est vide. L'avez-vous enregistré ?"
    elif not mine and (number := _commented(theirs[0], lines)):
        cause = f"La ligne {number} est un commentaire, que rien ne lit : retirez son « # »."
        yield "commented", cause
    elif not mine:
        yield from _lost(textwrap.dedent("\n".join(theirs)), _list(lines[: edit.start]))
    elif theirs:
        yield from _retouched(mine, theirs)
    else:
        yield from _spare(textwrap.dedent("\n".join(mine)), _list(lines[: edit.start]))


def _list(above: list[str]) -> str:
    """Renvoie le nom du réglage sous lequel tombe un morceau, ou « cette liste »."""
    named = filter(None, map(SETTING.match, reversed(above)))
    return next((found["name"] for found in named), "cette liste")


def _lost(text: str, where: str) -> Iterator[Slip]:
    """Donne ce que l'on dit de lignes entières qui manquent, dans une liste qui a ce nom."""
    if all(IMPORT.match(line) for line in text.split("\n")):
        yield "missing-import", f"Il manque un import, en haut du fichier : {text}"
    elif found := SETTING.match(text):
        yield "missing-setting", f"Il manque un réglage : {found['name']}."
    elif found := ELEMENT.fullmatch(text):
        yield "missing-element", f"Il manque « {found['text']} » dans {where}."
    elif found := DEFINITION.match(text):
        yield "missing-definition", f"Il manque « {found['name']} »."
    elif found := HEADER.fullmatch(text):
        cause = f"nginx ne dit pas {found['name']} au serveur : il y faut un proxy_set_header."
        yield "missing-header", cause
    elif name := _done(text, ast.Call):
        yield "missing-call", f"Il manque un appel à {name}."
    elif name := _done(text, ast.Assign):
        yield "missing-value", f"Ici, {name} doit recevoir une valeur, et n'en reçoit pas."


def _spare(text: str, where: str) -> Iterator[Slip]:
    """Donne ce que l'on dit de lignes entières qui sont de trop, dans une liste qui a ce nom."""
    if found := ELEMENT.fullmatch(text):
        yield "extra-element", f"« {found['text']} » est de trop dans {where} : retirez-le."
    elif name := _done(text, ast.Call):
        yield "extra-call", f"Cet appel à {name} est de trop : retirez-le."
    elif name := _done(text, ast.Assign):
        yield "extra-value", f"La valeur que {name} reçoit ici est de trop : retirez-la."


def _done(text: str, kind: type[ast.Call] | type[ast.Assign]) -> str:
    """Renvoie le nom qu'une seule instruction appelle, ou remplit ; vide si ce n'en est pas une."""
    try:
        (node,) = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ""
    while isinstance(node, ast.If) and len(node.body) == 1:
        (node,) = node.body
    while isinstance(node, ast.Expr | ast.Await):
        node = node.value
    if not isinstance(node, kind):
        return ""
    return ast.unparse(node.func if kind is ast.Call else node.targets[0])


def _retouched(mine: list[str], theirs: list[str]) -> Iterator[Slip]:
    """Donne ce que l'on dit de lignes dont quelques signes changent, ou leur seul décalage."""
    ours, wanted = (TOKEN.findall("\n".join(lines)) for lines in (mine, theirs))
    changes = [
        (tuple(ours[i:j]), tuple(wanted[k:m]))
        for operation, i, j, k, m in SequenceMatcher(None, ours, wanted, False).get_opcodes()
        if operation != "equal"
    ]
    if not changes:
        widths = [(_indent(one), _indent(other)) for one, other in zip(mine, theirs, strict=False)]
        yield from [("indentation", _wide(*both)) for both in widths if both[0] != both[1]][:1]
        return
    old, new = ([side for side in sides if side] for sides in zip(*changes, strict=True))
    if old and new:
        yield from _misspelt(changes)
        return
    pieces, table = (new, MISSING) if new else (old, TOO_MUCH)
    signs = tuple(sign for piece in pieces for sign in piece)
    if pieces[0] in table and len(set(pieces)) == 1:
        yield table[pieces[0]]
    elif signs in QUOTES and new:
        yield "missing-quotes", "Ceci est un texte : écrivez-le entre guillemets."
    elif signs in QUOTES:
        yield "quoted", "Ceci est un nom, et non un texte : retirez les guillemets."
    elif len(signs) == 1 and not re.search(r"\w", signs[0]):
        if new:
            yield "missing-sign", f"Il manque le signe « {signs[0]} »."
        else:
            yield "extra-sign", f"Le signe « {signs[0]} » est de trop."
    elif new and len(words := {*signs} - AROUND) == 1:
        yield "missing-word", f"Il manque « {words.pop()} » dans cette ligne."


def _misspelt(changes: list[tuple[tuple[str, ...], tuple[str, ...]]]) -> Iterator[Slip]:
    """Donne ce que l'on dit d'un mot à la place d'un autre qui lui ressemble."""
    mine, theirs = ("".join(side) for side in changes[0])
    if len(set(changes)) > 1 or len(changes[0][0]) != 1 or len(changes[0][1]) != 1:
        return
    if mine.casefold() == theirs.casefold():
        yield "case", f"Une majuscule diffère : il faut « {theirs} », et non « {mine} »."
    elif closest(mine, [theirs]):
        yield "misspelt", f"Ici, il faut « {theirs} », et non « {mine} »."


def _commented(wanted: str, lines: list[str]) -> int:
    """Renvoie le numéro de la ligne qui est celle-ci, en commentaire ; 0 s'il n'y en a pas."""
    bare = [line.lstrip("# ").rstrip() if "#" in line else "" for line in lines]
    return bare.index(wanted.strip()) + 1 if wanted.strip() in bare else 0


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _wide(here: int, there: int) -> str:
    return f"Le décalage de cette ligne est de {here}, et doit être de {there} espaces."
