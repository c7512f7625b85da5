# -*- coding: utf-8 -*-
"""Où sont l'atelier et son environnement, quels Pythons lui conviennent. Un vieux Python le lit."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
STAMP = os.path.join(VENV, "atelier.txt")
OLDEST, NEWEST = (3, 11), (3, 14)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def stamp():
    """Renvoie ce qui doit être vrai de l'environnement : ses paquets et sa place."""
    files = ("requirements.txt", "constraints.txt")
    return "\n".join([read(os.path.join(ROOT, name)) for name in files] + [ROOT])


def ready():
    """Renvoie True si l'environnement est complet. Le cachet, écrit en dernier, en fait foi."""
    try:
        if os.name == "nt":
            # Sous Windows, python.exe reste quand le Python dont il dépend est désinstallé.
            lines = read(os.path.join(VENV, "pyvenv.cfg")).splitlines()
            homes = [line.split("=", 1)[1].strip() for line in lines if line.startswith("home")]
            if not all(map(os.path.isdir, homes)):
                return False
        return read(STAMP) == stamp() and os.path.exists(PYTHON)
    except OSError:
        return False


def forget():
    """Efface le cachet : la commande suivante refait l'environnement."""
    if os.path.exists(STAMP):
        os.remove(STAMP)
