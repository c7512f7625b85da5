"""Le moteur de l'atelier : un module par idée, derrière les commandes de `atelier.py`."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIVE = ROOT / "live"


class WorkshopError(Exception):
    """Ce qui empêche une commande d'aboutir, dit en une phrase qui propose quoi faire."""

    def _render_traceback_(self) -> list[str]:
        # Dans un carnet, IPython montre alors la phrase, sans la trace.
        return [str(self)]
