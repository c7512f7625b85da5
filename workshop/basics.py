"""Où est l'atelier, et l'erreur que toute commande sait dire."""

from pathlib import Path

from workshop import facts

ROOT = Path(facts.ROOT)
LIVE = ROOT / "live"


class WorkshopError(Exception):
    """Ce qui empêche une commande d'aboutir, dit en une phrase qui propose quoi faire."""

    def _render_traceback_(self) -> list[str]:
        # Dans un carnet, IPython montre alors la phrase, sans la trace.
        return [str(self)]
