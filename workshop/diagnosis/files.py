"""Les fichiers : absents, au mauvais endroit, ou que Python ne sait pas lire."""

import keyword
import re
import unicodedata
from collections.abc import Iterator
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
# Ce qu'un début de ligne trahit, puis ce que Python en dit : un motif, le code, la cause.
MARKS = {
    r"\s*(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)": "merge-leftover C'est la marque d'une fusion "
    "git restée là. Gardez l'une des deux versions, et retirez les trois lignes de marques.",
    r"\s*(```|~~~)": "pasted-fence C'est la marque d'un bloc de code, collée avec lui. Retirez "
    "cette ligne, et celle qui ferme le bloc.",
    r"\s*(\$ |>>> |\.\.\. |PS [A-Z]:|\(\.venv\))": "pasted-prompt C'est l'invite d'un terminal, "
    "collée avec le code. Retirez-la.",
    r"@@": "pasted-diff « @@ » sépare les morceaux d'une différence : il ne s'écrit pas. Retirez "
    "cette ligne.",
    r"[+-]": "pasted-diff Le signe du début de ligne vient d'une différence : il dit d'ajouter "
    "ou d'enlever, et ne s'écrit pas. Retirez le « + » ; une ligne en « - » s'enlève tout "
    "entière.",
}
MESSAGES = {
    r"'await' outside function": "await-outside-function Cette ligne n'est dans aucune "
    "coroutine : « await » n'y a pas de sens. Retirez-le, ou décalez la ligne dans la fonction "
    "« async def » dont elle fait partie.",
    r"await.* outside async function|asynchronous .* outside": "await-outside-async « await » "
    "n'a de sens que dans une fonction qui commence par « async def ». Écrivez « async def » au "
    "début de celle-ci.",
    r"'(?:return|yield)' outside function": "outside-function Cette ligne est hors de toute "
    "fonction : décalez-la vers la droite, sous son « def ».",
    r"unterminated .*string|EOL while|EOF while scanning": "unclosed-string "
    "Un texte ouvert par un guillemet n'est pas refermé par le même guillemet.",
    r"'([(\[{])' was never closed|unexpected EOF": "unclosed-bracket Un signe ouvert sur cette "
    "ligne, ( [ ou {, n'est jamais refermé. Ajoutez celui qui manque.",
    r"does not match opening": "unclosed-bracket Un signe ouvert sur cette ligne, ( [ ou {, "
    "n'est pas refermé par son pareil. Ajoutez celui qui manque.",
    r"unmatched": "unmatched-bracket Un signe fermant ) ] ou } n'a pas d'ouvrant qui lui "
    "corresponde : il y en a un de trop.",
    r"expected ':'": "missing-colon Il manque le deux-points à la fin de cette ligne.",
    r"forgot a comma": "missing-comma Il manque sans doute une virgule entre deux éléments, ici "
    "ou à la fin de la ligne précédente.",
    r"inconsistent use of tabs": "tabs Ce fichier mélange des tabulations et des espaces. "
    "Décalez cette ligne avec des espaces, comme les autres.",
    r"expected an indented block|unexpected indent|unindent does not match": "indentation Le "
    "décalage de cette ligne n'est pas celui que Python attend. Alignez-la avec celles du même "
    "bloc, par groupes de quatre espaces.",
    r"codec can't decode|unicode error": "not-utf-8 Ce fichier n'est pas enregistré en UTF-8. "
    "Dans l'éditeur, enregistrez-le de nouveau en choisissant l'encodage UTF-8.",
    r"null bytes": "not-utf-8 Ce fichier n'est pas enregistré en UTF-8, mais sans doute en "
    "UTF-16. Dans l'éditeur, enregistrez-le de nouveau en choisissant l'encodage UTF-8.",
}
STRANGE = r"invalid (?:non-printable )?character|unterminated|invalid syntax|unexpected character"


@rule(said=r"(?P<wanted>[\w.]+) n'est pas (?:à côté|dans)")
def misplaced_file(case, wanted):
    """Un fichier demandé est ailleurs, ou sous un autre nom."""
    there = _elsewhere(case, wanted)
    if not there:
        return
    home = "dans le dossier live" if wanted == "requirements.txt" else "à côté de manage.py"
    code = "misplaced-file"
    cause = (
        f"Votre fichier s'appelle {there}. Renommez-le, ou déplacez-le : il doit être {wanted}, "
        f"{home}."
    )
    if wanted == "manage.py":
        code = "nested-project"
        cause = (
            f"Il est dans {there.rpartition('/')[0]}, un étage trop bas : il manquait le point "
            "final à « django-admin startproject live . ». Supprimez ce que la commande a créé "
            "(pas .venv), et refaites-la avec son point."
        )
    # Un fichier trop différent de celui du chapitre manque, sans que l'on sache qu'il est ailleurs.
    yield code, Place(there), cause
    yield code, Place(wanted), cause


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


@rule(r"(Syntax|Indentation|Tab|UnicodeDecode|Value)Error")
def unreadable(case, error):
    """Python ne peut pas lire un fichier du projet."""
    file, line = error.place.file, error.place.line
    if "null bytes" in error.message:
        nulls = (one for one in case.project.sources if b"\0" in one.path.read_bytes())
        file, line = next((one.name for one in nulls), file), None
    elif error.kind == "ValueError" or not file:
        return
    source = case.project.source(file)
    raw = source.lines[line - 1] if line and line <= len(source.lines) else ""
    observed = f"Python ne peut pas lire {file}" + (
        f", ligne {line} : {raw.strip()}" if raw.strip() else "."
    )
    if opened := re.search(r"does not match opening .* on line (\d+)", error.message):
        line = int(opened[1])
    message = getattr(error.live, "msg", None) or error.message
    code, _, cause = next(_syntax(message, raw, source, line)).partition(" ")
    yield code, Place(file, line), cause, observed


def _syntax(message: str, raw: str, source, number) -> Iterator[str]:
    """Donne ce que l'on peut dire d'une ligne que Python ne lit pas, le plus sûr d'abord."""
    yield from (cause for mark, cause in MARKS.items() if re.match(mark, raw))
    strange = [char for char in raw if ord(char) > 127 and not char.isalnum()]
    if strange and re.search(STRANGE, message):
        found = re.search(r"U\+([0-9A-F]{4,6})", message)
        char = chr(int(found[1], 16)) if found else strange[0]
        yield f"changed-character {changed_character(char)}"
    yield from (cause for said, cause in MESSAGES.items() if re.search(said, message))
    for word in re.findall(r"[^\W\d]\w*", raw)[:3]:
        near = closest(word, keyword.kwlist)
        if near and word not in (*keyword.kwlist, *source.names):
            yield f"misspelt-keyword « {word} » n'est pas un mot de Python. Écrivez « {near} »."
    before = source.lines[number - 2] if number and number > 1 else ""
    if re.search(r"[^,(\[{:\s]\s*$", before) and re.match(r"\s*['\"]", raw):
        yield "missing-comma Il manque sans doute une virgule à la fin de la ligne précédente."
    yield f"syntax Python s'arrête ici ({message}). Relisez cette ligne et celle du dessus."


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
