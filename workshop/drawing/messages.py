"""Des messages entre des processus : à chacun sa ligne ; le temps descend, une flèche envoie."""

from dataclasses import dataclass

from workshop.drawing.svg import line, rect, sheet, text

LEFT, LANE, TOP, ROW = 90, 150, 96, 26


@dataclass(frozen=True)
class Arrow:
    """Un envoi. `begins` et `ends` sont des rangs dans le temps ; un envoi perdu n'arrive pas."""

    source: str
    target: str
    begins: int
    ends: int
    label: str = ""
    lost: bool = False


def messages(
    title: str,
    lanes: list[str],
    arrows: list[Arrow],
    times: list[str],
    bands: list[tuple[str, int, int]],
) -> str:
    """Dessine des envois. `times` dit chaque rang ; `bands`, des pannes, d'un rang à un autre."""
    where = {lane: LEFT + LANE // 2 + LANE * rank for rank, lane in enumerate(lanes)}
    width, height = max(520, LEFT + LANE * len(lanes) + 20), TOP + ROW * (len(times) + 1)

    def y(rank: int) -> float:
        return TOP + ROW * rank

    parts = [text(20, 34, title, "strong")]
    for name, begins, ends in bands:
        parts.append(
            rect(LEFT, y(begins) - 8, width - LEFT - 20, ROW * (ends - begins) + 16, "band")
        )
        parts.append(text(width - 26, y(begins) + 8, name, "small red end"))
    for lane, x in where.items():
        parts += [text(x, 68, lane, "strong middle"), line(x, 78, x, height - 10, "soft")]
    for rank, words in enumerate(times):
        parts.append(text(20, y(rank) + 4, words, "small"))
    for arrow in arrows:
        x1, y1, x2, y2 = where[arrow.source], y(arrow.begins), where[arrow.target], y(arrow.ends)
        if arrow.lost:
            # Elle s'arrête en chemin, sur une croix.
            x2, y2 = x1 + 0.7 * (x2 - x1), y1 + 0.7 * (y2 - y1)
            parts += [line(x2 - 5, y2 - 5, x2 + 5, y2 + 5, "lost")]
            parts += [line(x2 - 5, y2 + 5, x2 + 5, y2 - 5, "lost")]
        else:
            side = 8 if x2 < x1 else -8
            parts += [
                line(x2 + side, y2 - 4, x2, y2, "heard"),
                line(x2 + side, y2 + 4, x2, y2, "heard"),
            ]
        parts.append(line(x1, y1, x2, y2, "lost" if arrow.lost else "heard"))
        if arrow.label:
            end = "end" if x2 > x1 else ""
            parts.append(text(x1 + (-8 if x2 > x1 else 8), y1 - 6, arrow.label, f"small {end}"))
    described = " ".join(
        f"{one.source} vers {one.target} {one.label}{' (perdu)' if one.lost else ''}."
        for one in arrows
    )
    return sheet(width, height, title, described, parts)
