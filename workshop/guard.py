"""Exécute un script Python qui s'arrête avec celui qui l'a lancé, quoi qu'il arrive à ce dernier.

Usage : `python guard.py SCRIPT [ARGUMENTS]`. L'entrée standard est un tube tenu par le parent :
quand le parent finit, même tué sans préavis, le système ferme le tube et ce processus sort.
Ne dépend que de la bibliothèque standard : il tourne avec le Python du projet de l'apprenant.
"""

import os
import runpy
import sys
import threading
from pathlib import Path


def watch_parent():
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=watch_parent, daemon=True).start()
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    runpy.run_path(sys.argv[0], run_name="__main__")
