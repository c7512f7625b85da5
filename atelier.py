# -*- coding: utf-8 -*-
"""Lance une commande de l'atelier, dans un environnement qu'il prépare la première fois.

Bibliothèque standard seulement. Même Python 2.7 sait lire ce fichier : c'est lui qui dit quelle
version installer. Il tourne à chaque commande : il n'importe que le nécessaire.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from workshop.facts import NEWEST, OLDEST, PYTHON, ROOT, VENV, forget, ready

# Des variables PYTHON… de la machine, celles qui ne changent que l'écriture du texte.
HARMLESS = ("PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")


def check_version(version):
    """S'arrête si ce Python est trop vieux ; nomme, s'il est là, un autre qui convient."""
    shown = "{}.{}".format(*version)
    if version < OLDEST:
        cure = "Installez-en un (https://www.python.org/downloads/)"
        if os.name == "nt":
            cure += " ; « py -0 » montre ceux que vous avez, « py -3.13 atelier.py » prend le 3.13"
        for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
            name = "python3.{}".format(minor)
            folders = os.environ.get("PATH", "").split(os.pathsep)
            if any(os.path.exists(os.path.join(folder, name)) for folder in folders):
                cure = "Vous en avez un : écrivez « {} atelier.py »".format(name)
                break
        sys.exit(
            "L'atelier demande Python 3.11 ou plus récent ; celui-ci est le {}. {}, puis relancez "
            "la commande avec lui.".format(shown, cure)
        )
    if version > NEWEST:
        sys.stderr.write(
            "Python {} est plus récent que ceux que l'atelier connaît (3.11 à 3.14) : "
            "je continue. Si l'installation échoue, prenez l'un de ceux-là.\n".format(shown)
        )


def hand_over():
    """Relance cette commande avec le Python de l'environnement."""
    for name in set(os.environ):
        if name.startswith("PYTHON") and name not in HARMLESS:
            del os.environ[name]
    command = [PYTHON, os.path.join(ROOT, "atelier.py")] + sys.argv[1:]
    if os.name != "nt":
        os.execv(PYTHON, command)
    import signal
    import subprocess

    # Ctrl-C atteint aussi l'enfant : c'est à lui de ranger, et de dire ce qu'il a fait.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(command)
    end_with_me(process)
    sys.exit(process.wait())


def end_with_me(process):
    """Sous Windows, fait finir un processus avec celui-ci, même tué sans préavis."""
    import ctypes

    kernel = ctypes.WinDLL("kernel32")
    kernel.CreateJobObjectW.restype = ctypes.c_void_p
    job = kernel.CreateJobObjectW(None, None)
    # JOBOBJECT_EXTENDED_LIMIT_INFORMATION : KILL_ON_JOB_CLOSE et SILENT_BREAKAWAY_OK.
    limits = (ctypes.c_uint32 * 36)()
    limits[4] = 0x2000 | 0x1000
    kernel.SetInformationJobObject(ctypes.c_void_p(job), 9, limits, ctypes.sizeof(limits))
    kernel.AssignProcessToJobObject(ctypes.c_void_p(job), ctypes.c_void_p(int(process._handle)))


def main():
    if os.path.normcase(sys.prefix) != os.path.normcase(VENV):
        check_version(sys.version_info[:2])
        if not ready():
            from workshop.system.installing import prepare

            prepare()
        hand_over()
    try:
        from workshop.commands.main import main as run

        run()
    except ImportError as error:
        if (error.name or "workshop").startswith("workshop"):
            raise
        forget()
        sys.exit(
            "L'environnement de l'atelier est abîmé ({}). Relancez la même commande : elle le "
            "refera.".format(error)
        )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrompu. Relancez la même commande quand vous voudrez.")
