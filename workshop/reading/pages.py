"""Les pages que l'on lit d'ici : faites la première fois, refaites quand un texte change."""

import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.system import memory


def made_pages(say: Callable[[str], None]) -> Path:
    """Renvoie le dossier des pages, faites si besoin ; `say` reçoit alors une phrase.

    Lève WorkshopError si elles ne peuvent pas s'écrire.
    """
    # Sphinx est long à importer : pas avant d'en avoir besoin.
    from workshop.publishing import site

    folder = memory.PROGRESS / "pages"
    digest = sha256()
    for path in site.sources():
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mtime_ns}\n".encode())
    if memory.kept("pages-made") != digest.hexdigest() or not (folder / "index.html").is_file():
        say("Je fais les pages : une demi-minute, la première fois.")
        try:
            # Coupé pendant qu'il s'écrit, le dossier serait à refaire.
            memory.keep("pages-made", "")
            shutil.rmtree(folder, ignore_errors=True)
            site.build(folder)
        except OSError as error:
            raise WorkshopError(
                f"Les pages ne peuvent pas s'écrire dans {folder} ({error.strerror}). Vérifiez la "
                "place qui reste et vos droits, puis relancez la même commande."
            ) from None
        memory.keep("pages-made", digest.hexdigest())
    return folder
