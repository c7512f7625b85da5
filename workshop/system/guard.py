"""Exécute un programme qui s'arrête avec celui qui l'a lancé, quoi qu'il arrive à ce dernier.

Usage : `python guard.py SCRIPT [ARGUMENTS]`, `python guard.py -m MODULE [ARGUMENTS]`, ou `python
guard.py -- PROGRAMME [ARGUMENTS]` pour ce qui n'est pas du Python. Avec `--ranger` d'abord, le
programme est interrompu comme par Ctrl-C, et a cinq secondes pour ranger. L'entrée standard est un
tube tenu par le parent : quand il finit, même tué sans préavis, le système ferme le tube et ce
processus sort. Bibliothèque standard seulement : le Python est celui de l'apprenant.
"""

import _thread
import contextlib
import os
import runpy
import subprocess
import sys
import threading
import time
from pathlib import Path


def watch_parent(last=lambda: None):
    while os.read(0, 1):
        pass
    last()
    os._exit(0)


def interrupt():
    _thread.interrupt_main()
    time.sleep(5)


def run_program(command):
    """Lance un programme ; avec le parent s'arrête aussi tout ce que ce programme a lancé."""
    # Le seul paquet d'ici : ce Python-là est celui de l'atelier.
    import psutil

    program = psutil.Popen(command, stdin=subprocess.DEVNULL)

    def kill_all():
        # nginx remplace aussitôt un ouvrier tué : il ne doit pas le voir.
        with contextlib.suppress(psutil.Error):
            program.suspend()
        # Lui en dernier : sa fin est aussi celle de ce processus.
        for process in [*program.children(recursive=True), program]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        program.wait()

    threading.Thread(target=watch_parent, args=[kill_all], daemon=True).start()
    sys.exit(program.wait())


def main():
    """Exécute ce que disent les arguments de ce processus."""
    del sys.argv[0]
    if sys.argv[0] == "--":
        run_program(sys.argv[1:])
    tidies = sys.argv[0] == "--ranger"
    del sys.argv[:tidies]
    threading.Thread(target=watch_parent, args=[interrupt] * tidies, daemon=True).start()
    sys.path[0] = str(Path.cwd())
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
