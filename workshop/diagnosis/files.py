"""Les fichiers : absents, au mauvais endroit, ou que Python ne sait pas lire."""

import keyword
import re
import unicodedata
from pathlib import PurePosixPath

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
MARKS = (
    (
        r"(<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)",
        "merge-leftover",
        "C'est la marque d'une fusion git restée là. Gardez l'une des deux versions, et retirez "
        "les trois lignes de marques.",
    ),
    (
        r"(```|~~~)",
        "pasted-fence",
        "C'est la marque d'un bloc de code, collée avec lui. Retirez cette ligne, et celle qui "
        "ferme le bloc.",
    ),
    (
        r"(\$ |>>> |\.\.\. |PS [A-Z]:|\(\.venv\))",
        "pasted-prompt",
        "C'est l'invite d'un terminal, collée avec le code. Retirez-la.",
    ),
    (
        r"@@",
        "pasted-diff",
        "« @@ » sépare les morceaux d'une différence : il ne s'écrit pas. Retirez cette ligne.",
    ),
    (
        r"[+-]",
        "pasted-diff",
        "Le signe du début de ligne vient d'une différence : il dit d'ajouter ou d'enlever, et ne "
        "s'écrit pas. Retirez le « + » ; une ligne en « - » s'enlève tout entière.",
    ),
)
MESSAGES = (
    (
        r"'await' outside function",
        "await-outside-function",
        "Cette ligne n'est dans aucune coroutine : « await » n'y a pas de sens. Retirez-le, ou "
        "décalez "
        "la ligne dans la fonction « async def » dont elle fait partie.",
    ),
    (
        r"await.* outside async function|asynchronous .* outside",
        "await-outside-async",
        "« await » n'a de sens que dans une fonction qui commence par « async def ». Écrivez "
        "« async def » au début de celle-ci.",
    ),
    (
        r"'(?:return|yield)' outside function",
        "outside-function",
        "Cette ligne est hors de toute fonction : décalez-la vers la droite, sous son « def ».",
    ),
    (
        r"unterminated (?:triple-quoted )?(?:f-)?string|EOL while|EOF while scanning",
        "unclosed-string",
        "Un texte ouvert par un guillemet n'est pas refermé par le même guillemet.",
    ),
    (
        r"'([(\[{])' was never closed|unexpected EOF",
        "unclosed-bracket",
        "Un signe ouvert sur cette ligne, ( [ ou {{, n'est jamais refermé. Ajoutez celui qui "
        "manque.",
    ),
    (
        r"does not match opening",
        "unclosed-bracket",
        "Un signe ouvert sur cette ligne, ( [ ou {{, n'est pas refermé par son pareil. Ajoutez "
        "celui qui manque.",
    ),
    (
        r"unmatched",
        "unmatched-bracket",
        "Un signe fermant ) ] ou }} n'a pas d'ouvrant qui lui corresponde : il y en a un de trop.",
    ),
    (r"expected ':'", "missing-colon", "Il manque le deux-points à la fin de cette ligne."),
    (
        r"forgot a comma",
        "missing-comma",
        "Il manque sans doute une virgule entre deux éléments, ici ou à la fin de la ligne "
        "précédente.",
    ),
    (
        r"inconsistent use of tabs",
        "tabs",
        "Ce fichier mélange des tabulations et des espaces. Décalez cette ligne avec des espaces, "
        "comme les autres.",
    ),
    (
        r"expected an indented block|unexpected indent|unindent does not match",
        "indentation",
        "Le décalage de cette ligne n'est pas celui que Python attend. Alignez-la avec celles du "
        "même bloc, par groupes de quatre espaces.",
    ),
    (
        r"f-string",
        "f-string",
        "Dans un texte qui commence par f, une accolade s'ouvre et se ferme autour d'une "
        'expression Python : f"Bienvenue {{self.name}}".',
    ),
    (
        r"Missing parentheses in call to 'print'",
        "python-2",
        "C'est l'écriture de Python 2. Avec Python 3, print s'appelle avec des parenthèses.",
    ),
    (
        r"codec can't decode|unicode error",
        "not-utf-8",
        "Ce fichier n'est pas enregistré en UTF-8. Dans l'éditeur, enregistrez-le de nouveau en "
        "choisissant l'encodage UTF-8.",
    ),
    (
        r"null bytes",
        "not-utf-8",
        "Ce fichier n'est pas enregistré en UTF-8, mais sans doute en UTF-16. Dans l'éditeur, "
        "enregistrez-le de nouveau en choisissant l'encodage UTF-8.",
    ),
    (
        r"Maybe you meant '=='|cannot assign to",
        "assignment",
        "Python lit cette ligne comme « nom = valeur », et ce qui est à gauche n'est pas un nom. "
        "Relisez-la signe par signe.",
    ),
    (
        r"positional argument follows keyword",
        "argument-order",
        "Dans un appel, les arguments sans nom viennent avant ceux qui ont un nom.",
    ),
    (
        r"invalid decimal literal|leading zeros",
        "bad-name",
        "Un nom ne commence pas par un chiffre, et ne contient ni tiret ni espace.",
    ),
)


def no_project(case):
    """Il n'y a rien à vérifier."""
    if case.project.files or case.number == 1:
        return None
    return case.says(
        "empty-project",
        "Le dossier live est vide, ou n'existe pas encore. Tout ce que vous écrivez pendant "
        "l'atelier va dans ce dossier, à la racine du dépôt.",
        observed="Il n'y a aucun fichier à vérifier.",
    )


def missing_file(case):
    """Un fichier que le but demande n'est pas là : où est-il ?"""
    found = re.search(r"(manage\.py|client\.py|console\.js|requirements\.txt)", case.said)
    if not found or not re.search(r"n'est pas (?:à côté|dans)", case.said):
        return None
    wanted = found[1]
    if place := _elsewhere(case, wanted):
        there = place.file
        if wanted == "manage.py":
            return case.says(
                "nested-project",
                f"Il est dans {there.rpartition('/')[0]}, un étage trop bas : il manquait le "
                "point final à « django-admin startproject live . ». Supprimez ce que la "
                "commande a créé (pas .venv), et refaites-la avec son point.",
                place,
            )
        return case.says(
            "misplaced-file",
            f"Votre fichier s'appelle {there}. Renommez-le, ou déplacez-le : il doit être "
            f"{wanted}, à côté de manage.py."
            if wanted != "requirements.txt"
            else (
                f"Votre fichier s'appelle {there}. Renommez-le, ou déplacez-le : il doit être "
                "requirements.txt, dans le dossier live."
            ),
            place,
        )
    if wanted == "manage.py":
        return case.says(
            "no-project",
            "Le projet n'est pas créé. Dans le terminal « projet », tapez : django-admin "
            "startproject live .",
        )
    return case.says(
        "no-file",
        "Il n'y a aucun fichier de ce nom dans live. Écrivez-le comme le dit le chapitre, et "
        f"enregistrez-le sous le nom {wanted}.",
    )


def _elsewhere(case, wanted: str) -> Place | None:
    """Renvoie l'endroit où se trouve un fichier mal placé ou mal nommé."""
    name = PurePosixPath(wanted).name
    for file in case.project.files:
        if PurePosixPath(file).name == name and file != wanted:
            return Place(file)
    bases = {PurePosixPath(file).name: file for file in case.project.files}
    for base, file in bases.items():
        if (
            base.casefold() in (name.casefold(), f"{name}.txt", f"{name}.py", f"{name}.js")
            or re.sub(r"\s*\(\d+\)|[- ]copie| ", "", base).casefold() == name.casefold()
        ):
            return Place(file)
    if near := closest(name, [base for base in bases if base.endswith(PurePosixPath(name).suffix)]):
        return Place(bases[near])
    if case.origin and (case.origin.parent / name).is_file() and name != "requirements.txt":
        return Place(f"../{name}")
    return None


def unreadable(case):
    """Une erreur de syntaxe : Python ne peut pas lire un fichier du projet."""
    for error in case.errors:
        if (
            error.kind not in ("SyntaxError", "IndentationError", "TabError", "UnicodeDecodeError")
            and "null bytes" not in error.message
        ):
            continue
        place = error.place
        if not place.file:
            place = _file_with_nulls(case) or place
        if not place.file:
            continue
        source = case.project.source(place.file)
        if opened := re.search(r"does not match opening .* on line (\d+)", error.message):
            place = Place(place.file, int(opened[1]))
        message = getattr(error.live, "msg", None) or error.message
        raw = source.lines[place.line - 1] if place.line and place.line <= len(source.lines) else ""
        code, cause = _syntax(message, raw, source, place.line)
        shown = f"Python ne peut pas lire {place.file}" + (
            f", ligne {place.line} : {raw.strip()}" if raw.strip() else "."
        )
        return case.says(code, cause, place, observed=shown)
    return None


def _syntax(message: str, raw: str, source, number) -> tuple[str, str]:
    for pattern, code, cause in MARKS:
        if re.match(pattern, raw.lstrip() if code != "pasted-diff" else raw):
            return code, cause
    strange = [char for char in raw if ord(char) > 127 and not char.isalnum()]
    if strange and re.search(
        r"invalid (?:non-printable )?character|unterminated|invalid syntax|unexpected character",
        message,
    ):
        found = re.search(r"U\+([0-9A-F]{4,6})", message)
        char = chr(int(found[1], 16)) if found else strange[0]
        return "changed-character", changed_character(char)
    for pattern, code, cause in MESSAGES:
        if re.search(pattern, message):
            return code, cause.replace("{{", "{").replace("}}", "}")
    words = re.findall(r"[^\W\d]\w*", raw)
    for word in words[:3]:
        if (
            word not in keyword.kwlist
            and (near := closest(word, keyword.kwlist))
            and word not in source.names
        ):
            return "misspelt-keyword", f"« {word} » n'est pas un mot de Python. Écrivez « {near} »."
    if (
        number
        and number > 1
        and re.search(r"[^,(\[{:\s]\s*$", source.lines[number - 2])
        and re.match(r"\s*['\"]", raw)
    ):
        return "missing-comma", "Il manque sans doute une virgule à la fin de la ligne précédente."
    return (
        "syntax",
        f"Python s'arrête ici ({message}). Relisez cette ligne et celle du dessus, signe par "
        "signe.",
    )


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
    return f"Le caractère « {char} » ({name}) n'a pas de sens en Python à cet endroit. Effacez-le."


def _file_with_nulls(case) -> Place | None:
    for source in case.project.sources:
        if b"\0" in source.path.read_bytes():
            return Place(source.name)
    return None
