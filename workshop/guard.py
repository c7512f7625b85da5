"""Exécute du Python qui s'arrête avec celui qui l'a lancé, quoi qu'il arrive à ce dernier.

Usage : `python guard.py SCRIPT [ARGUMENTS]` ou `python guard.py -m MODULE [ARGUMENTS]`. L'entrée
standard est un tube tenu par le parent : quand il finit, même tué sans préavis, le système ferme le
tube et ce processus sort. Bibliothèque standard seulement : le Python est celui de l'apprenant.
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
    sys.path[0] = str(Path.cwd())
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
