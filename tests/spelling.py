"""Dit les mots que les dictionnaires de hunspell ne connaissent pas : un avis, pas un verdict.

`python -m tests.spelling`. Les mots justes qu'ils ignorent sont dans `words.txt`.
"""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

from tests.prose import texts
from tests.repository.test_prose import SOURCES

WORDS = Path(__file__).with_name("words.txt")
# Un mot : ni nom de code, ni chemin, ni sigle.
WORD = re.compile(r"[Aa]ujourd'hui|(?<![\w./@#_<{=-])[A-ZÀ-Ý]?[a-zà-ÿœ]{2,}(?![\w/_(=}>]|\.\w|-\w)")
# L'anglais est celui des messages que l'on cite.
DICTIONARIES = "fr,en_US"


def unknown_words() -> dict[str, list[str]]:
    """Renvoie chaque mot inconnu et les endroits où il est ; lève OSError sans dictionnaire."""
    places = defaultdict(list)
    for path in SOURCES:
        for text in texts(path):
            for word in WORD.findall(text.content):
                places[word].append(str(text))
    command = ["hunspell", "-l", "-i", "utf-8", "-d", DICTIONARIES]
    found = subprocess.run(
        command, input="\n".join(places), capture_output=True, encoding="utf-8", timeout=60
    )
    if found.returncode:
        raise OSError(found.stderr.strip())
    known = set(WORDS.read_text("utf-8").split())
    return {
        word: places[word]
        for word in sorted(set(found.stdout.split()))
        if word not in known and word.lower() not in known
    }


def main() -> None:
    if not shutil.which("hunspell"):
        print("hunspell manque : installez les paquets hunspell, hunspell-fr et hunspell-en-us.")
        return
    try:
        unknown = unknown_words()
    except OSError as error:
        print(f"Un dictionnaire manque : installez hunspell-fr et hunspell-en-us. ({error})")
        return
    for word, places in unknown.items():
        print(f"{word} : {', '.join(places[:3])}")
    print(
        f"Orthographe : {len(unknown)} mots inconnus. Corrigez-les, ou ajoutez-les à "
        "tests/words.txt s'ils sont justes."
        if unknown
        else "Orthographe : rien à signaler."
    )


if __name__ == "__main__":
    main()
