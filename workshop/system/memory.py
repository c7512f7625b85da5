"""Ce que l'atelier retient d'une commande à l'autre, dans un dossier que git ignore."""

from workshop.basics import ROOT

PROGRESS = ROOT / ".atelier"


def keep(name: str, value: str) -> None:
    """Retient une valeur d'une commande à l'autre, dans un dossier que git ignore."""
    PROGRESS.mkdir(exist_ok=True)
    # D'un seul coup : une commande tuée ici ne laisse pas un fichier à moitié écrit.
    partial = PROGRESS / f"{name}.partiel"
    partial.write_text(value, "utf-8")
    try:
        partial.replace(PROGRESS / name)
    except OSError:
        # Windows refuse de remplacer un fichier qu'un autre programme lit.
        (PROGRESS / name).write_text(value, "utf-8")


def kept(name: str) -> str | None:
    """Renvoie la valeur retenue sous ce nom, ou None."""
    path = PROGRESS / name
    return path.read_text("utf-8") if path.is_file() else None
