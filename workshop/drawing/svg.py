"""Ce que partagent les dessins : une feuille, des couleurs selon le fond, du texte, des traits."""

from html import escape

# Les couleurs des chapitres ; sur fond sombre, leurs pendants.
LIGHT = {
    "ink": "#1f2933",
    "paper": "#fdfcf9",
    "soft": "#c9d1d9",
    "blue": "#0b5c8a",
    "red": "#a8471d",
}
DARK = {
    "ink": "#e6e9ec",
    "paper": "#15191d",
    "soft": "#3c454e",
    "blue": "#6db8e0",
    "red": "#f0a27c",
}
STYLE = """\
    text {{ font: 15px system-ui, sans-serif; fill: {ink} }}
    .small {{ font-size: 13px }}
    .strong {{ font-weight: 700 }}
    .end {{ text-anchor: end }}
    .middle {{ text-anchor: middle }}
    .paper {{ fill: {paper} }}
    .soft {{ stroke: {soft}; fill: none }}
    .line {{ stroke: {ink}; fill: none }}
    .blue {{ fill: {blue} }}
    .red {{ fill: {red} }}
    .heard {{ stroke: {blue}; fill: none; stroke-width: 1.5 }}
    .lost {{ stroke: {red}; fill: none; stroke-width: 2; stroke-dasharray: 5 4 }}
    .band {{ fill: {red}; opacity: 0.15 }}"""


def sheet(width: int, height: int, title: str, description: str, parts: list[str]) -> str:
    """Renvoie un dessin entier. `title` et `description` sont pour qui ne le voit pas."""
    dark = STYLE.format(**DARK).replace("\n", "\n  ")
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"  <title>{escape(title)}</title>",
            f"  <desc>{escape(description)}</desc>",
            "  <style>",
            STYLE.format(**LIGHT),
            f"    @media (prefers-color-scheme: dark) {{\n  {dark}\n    }}",
            "  </style>",
            f'  <rect width="{width}" height="{height}" class="paper"/>',
            *(f"  {part}" for part in parts),
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "line") -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="{kind}"/>'


def rect(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{height:g}" class="{kind}"/>'
