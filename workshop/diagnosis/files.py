"""Les fichiers : absents, au mauvais endroit, ou que Python ne sait pas lire."""

import re
import unicodedata
from pathlib import PurePosixPath

from workshop.diagnosis.rules import rule
from workshop.project.sources import Place, closest

# Ce qu'un traitement de texte, une page ou une messagerie met à la place d'un caractère du clavier.
CHANGED = {
    "“”„«»″": 'des guillemets droits "',
    "‘’‚‹›′´": "une apostrophe droite '",
    "–—−‐‑": "un tiret du clavier -",
    "…": "trois points à la suite",
    "，": "une virgule ,",
    "：": "deux points :",
    "（": "une parenthèse (",
    "）": "une parenthèse )",
}
# Ce qu'un début de ligne trahit.
MARKS = {
    "merge-leftover": (
        r"\s*(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)",
        "C'est la marque d'une fusion git restée là. Gardez l'une des deux versions, et retirez "
        "les trois lignes de marques.",
    ),
    "pasted-fence": (
        r"\s*(```|~~~)",
        "C'est la marque d'un bloc de code, collée avec lui. Retirez cette ligne, et celle qui "
        "ferme le bloc.",
    ),
    "pasted-prompt": (
        r"\s*(\$ |>>> |\.\.\. |PS [A-Z]:|\((\.venv|live)\))",
        "C'est l'invite d'un terminal, collée avec le code. Retirez-la.",
    ),
    "pasted-diff": (
        r"@@|[+-]",
        "Le signe du début de ligne vient d'une différence : il dit d'ajouter ou d'enlever, et ne "
        "s'écrit pas. Retirez le « + » ; une ligne en « - », ou en « @@ », s'enlève tout entière.",
    ),
}
# Ce que Python en dit.
MESSAGES = {
    "await-outside-function": (
        "'await' outside function",
        "Cette ligne n'est dans aucune coroutine : « await » n'y a pas de sens. Retirez-le, ou "
        "décalez la ligne dans la fonction « async def » dont elle fait partie.",
    ),
    "await-outside-async": (
        "await.* outside async function|asynchronous .* outside",
        "« await » n'a de sens que dans une fonction qui commence par « async def ». Écrivez "
        "« async def » au début de celle-ci.",
    ),
    "outside-function": (
        "'(return|yield)' outside function",
        "Cette ligne est hors de toute fonction : décalez-la vers la droite, sous son « def ».",
    ),
    "tabs": (
        "inconsistent use of tabs",
        "Ce fichier mélange des tabulations et des espaces. Décalez cette ligne avec des espaces, "
        "comme les autres.",
    ),
    "not-utf-8": (
        "codec can't decode|unicode error|null bytes",
        "Ce fichier n'est pas enregistré en UTF-8. Dans l'éditeur, enregistrez-le de nouveau en "
        "choisissant l'encodage UTF-8.",
    ),
}
UNREADABLE = "(Syntax|Indentation|Tab|UnicodeDecode)Error|ValueError"
STRANGE = r"invalid (?:non-printable )?character|unterminated|invalid syntax|unexpected character"


@rule(said=r"(?P<wanted>[\w.]+) n'est pas (?:à côté|dans)")
def misplaced_file(case, wanted):
    """Un fichier demandé est ailleurs, ou sous un autre nom."""
    there = _elsewhere(case, wanted)
    if not there:
        return
    home = "dans le dossier live" if wanted == "requirements.txt" else "à côté de manage.py"
    moved = f"""Votre fichier s'appelle {there}. Renommez-le, ou déplacez-le : il doit être
    {wanted}, {home}."""
    nested = f"""Il est dans {there.rpartition("/")[0]}, un étage trop bas : il manquait le point
    final à « django-admin startproject live . ». Supprimez ce que la commande a créé (pas .venv),
    et refaites-la avec son point."""
    # Un fichier trop différent de celui du chapitre manque, sans que l'on sache qu'il est ailleurs.
    for place in (Place(there), Place(wanted)):
        if wanted == "manage.py":
            yield "nested-project", place, nested
        yield "misplaced-file", place, moved


def _elsewhere(case, wanted: str) -> str | None:
    """Renvoie l'endroit où se trouve un fichier mal placé ou mal nommé."""
    bases = {PurePosixPath(file).name: file for file in reversed(case.project.files)}
    if wanted in bases:
        return bases[wanted]
    for base, file in bases.items():
        cleaned = re.sub(r"\s*\(\d+\)|[-\s]*copie", "", base).casefold()
        if cleaned in (wanted, *(wanted + more for more in (".txt", ".py", ".js"))):
            return file
    suffix = PurePosixPath(wanted).suffix
    if near := closest(wanted, [one for one in bases if one.endswith(suffix)]):
        return bases[near]
    above = case.origin and (case.origin.parent / wanted).is_file()
    return f"../{wanted}" if above and wanted != "requirements.txt" else None


def unread(case, error) -> tuple[Place, str, str]:
    """Renvoie l'endroit que Python ne sait pas lire, sa ligne, et ce que l'on en dit."""
    file, line = error.place.file, error.place.line
    if "null bytes" in error.message:
        nulls = [one.name for one in case.project.sources if "\0" in one.text]
        file, line = (nulls or [file])[0], None
    if opened := re.search(r"does not match opening .* on line (\d+)", error.message):
        line = int(opened[1])
    lines = case.project.source(file).lines
    raw = lines[line - 1] if line and line <= len(lines) else ""
    shown = f", ligne {line} : {raw.strip()}" if raw.strip() else "."
    return Place(file, line), raw, f"Python ne peut pas lire {file}{shown}"


for _code, (_pattern, _cause) in MARKS.items():

    @rule(UNREADABLE)
    def marked(case, error, code=_code, pattern=_pattern, cause=_cause):
        place, raw, observed = unread(case, error)
        if re.match(pattern, raw):
            yield code, place, cause, observed


@rule(UNREADABLE, STRANGE)
def not_of_the_keyboard(case, error):
    """Un caractère n'est pas celui du clavier."""
    place, raw, observed = unread(case, error)
    named = re.search(r"U\+([0-9A-F]{4,6})", error.message)
    strange = [char for char in raw if ord(char) > 127 and not char.isalnum()]
    if strange:
        cause = changed_character(chr(int(named[1], 16)) if named else strange[0])
        yield "changed-character", place, cause, observed


for _code, (_pattern, _cause) in MESSAGES.items():

    @rule(UNREADABLE, _pattern)
    def said(case, error, code=_code, cause=_cause):
        place, _, observed = unread(case, error)
        if place.file:
            yield code, place, cause, observed


@rule("(Syntax|Indentation|Tab)Error", r"(?P<said>.*?)(?: \(.*\))?$")
def unreadable(case, error, said):
    """Python ne sait pas lire une ligne : ce qu'il en dit."""
    place, _, observed = unread(case, error)
    yield "syntax", Place(place.file), "", f"{observed} (Python dit : {said})"


def changed_character(char: str) -> str:
    """Renvoie la phrase qui dit quel caractère a été changé, et par quoi le remplacer."""
    name = f"U+{ord(char):04X}"
    for chars, good in CHANGED.items():
        if char in chars:
            return (
                f"Le caractère « {char} » ({name}) n'est pas celui du clavier : un traitement de "
                f"texte ou une messagerie l'a changé. Tapez {good} à sa place."
            )
    if unicodedata.category(char) in ("Zs", "Cf"):
        return (
            f"Cette ligne contient une espace qui n'est pas celle du clavier ({name}), sans doute "
            "collée avec le code. Effacez-la et tapez une espace ordinaire."
        )
    return f"Le caractère « {char} » ({name}) n'a pas de sens ici. Effacez-le."
