"""Des barres couchées, sur une échelle où chaque trait vaut dix fois le précédent."""

import math

from workshop.drawing.svg import line, rect, sheet, text

LEFT, WIDTH, ROW, TOP, BOTTOM = 250, 900, 24, 74, 70


def bars(title: str, unit: str, groups: dict[str, dict[str, float]], note: list[str]) -> str:
    """Dessine des groupes de barres : pour chaque groupe, une valeur positive par nom.

    `note`, sous le dessin, dit d'où viennent les valeurs.
    """
    values = [value for group in groups.values() for value in group.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high += high == low

    def place(value: float) -> float:
        return LEFT + (WIDTH - LEFT - 90) * (math.log10(value) - low) / (high - low)

    parts, y = [text(20, 34, title, "strong")], TOP
    for name, group in groups.items():
        parts.append(text(20, y + 16, name, "strong"))
        y += ROW
        for label, value in group.items():
            x = place(value)
            parts += [
                text(LEFT - 10, y + 16, label, "end"),
                rect(LEFT, y + 4, max(2, x - LEFT), ROW - 8, "blue"),
                text(max(x, LEFT + 2) + 8, y + 16, shown(value)),
            ]
            y += ROW
        y += ROW // 2
    marks = []
    for power in range(low, high + 1):
        x = place(10**power)
        marks += [
            line(x, TOP - 10, x, y - ROW // 2, "soft"),
            text(x, TOP - 16, shown(10.0**power), "small middle"),
        ]
    parts += [text(WIDTH - 20, 34, unit, "small end")]
    parts += [text(20, y + 14 + 18 * rank, words, "small") for rank, words in enumerate(note)]
    described = " ; ".join(
        f"{name} : " + ", ".join(f"{label} {shown(value)}" for label, value in group.items())
        for name, group in groups.items()
    )
    height = y + BOTTOM - 30 + 18 * len(note)
    return sheet(WIDTH, height, f"{title} ({unit})", described, marks + parts)


def shown(value: float) -> str:
    """Renvoie un nombre à deux ou trois chiffres qui comptent, écrit comme en français."""
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", "\u202f")
    return f"{float(f'{value:.2g}'):g}".replace(".", ",")
