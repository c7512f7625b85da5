"""Où est l'atelier, et l'erreur que toute commande sait dire."""

import os
import tempfile
from pathlib import Path

from workshop import facts

# Sous macOS (/var) et Windows (noms courts), le dossier temporaire a deux noms : un seul ici.
tempfile.tempdir = str(Path(tempfile.gettempdir()).resolve())

ROOT = Path(facts.ROOT)
LIVE = ROOT / "live"
# Ce que l'on tape pour lancer une commande.
LAUNCHER = "py atelier.py" if os.name == "nt" else "python3 atelier.py"


class WorkshopError(Exception):
    """Ce qui empêche une commande d'aboutir, dit en une phrase qui propose quoi faire."""

    def _render_traceback_(self) -> list[str]:
        # Dans un carnet, IPython montre alors la phrase, sans la trace.
        return [str(self)]
