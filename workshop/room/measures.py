"""Ce que la salle a mesuré : le tableau « Mesurer votre salle » d'ANIMER.md, rempli de lui-même."""

import csv
import io
import statistics
import time
from collections import Counter

from workshop.chapters.schedule import MEASURES
from workshop.room.story import Story

CAUSES = ("étape", "cause", "combien de fois", "combien de personnes")


def measures(stories: list[Story], steps: list[str]) -> str:
    """Renvoie le CSV d'une salle : ses heures, étape après étape, puis ses fautes. Aucun nom.

    Une étape débute quand la moitié de la salle y est. Qui est arrivé après elle ne compte pas.
    """
    written = io.StringIO()
    write = csv.writer(written, delimiter=";", lineterminator="\r\n").writerow
    write(MEASURES)
    for step in steps:
        # Qui l'a rattrapée sans y être passé n'était pas là.
        room = [one for one in stories if step in one.passages or not one.is_done(step)]
        passages = [one.passages[step] for one in room if step in one.passages]
        green = [one.green for one in passages if one.green]
        minutes = [(one.green - one.began) / 60 for one in passages if one.green]
        write(
            (
                step[:2],
                _hour([one.began for one in passages], len(room), 1 / 2),
                _hour(green, len(room), 1 / 2),
                _hour(green, len(room), 3 / 4),
                sum(one.caught is not None for one in passages),
                f"{statistics.median(minutes):.1f}".replace(".", ",") if minutes else "",
                len(minutes),
            )
        )
    write(())
    write(CAUSES)
    for (step, code), (times, people) in causes(stories):
        write((step[:2], code, times, people))
    return written.getvalue()


def causes(stories: list[Story]) -> list[tuple[tuple[str, str], tuple[int, int]]]:
    """Renvoie, par étape et par code, combien de fois une faute s'est faite, et à combien."""
    times, people = Counter(), Counter()
    for story in stories:
        for step, passage in story.passages.items():
            for code, number in passage.codes.items():
                times[step, code] += number
                people[step, code] += 1
    return [
        (key, (times[key], people[key]))
        for key in sorted(times, key=lambda k: (k[0], -times[k], k))
    ]


def _hour(times: list[float], number: int, share: float) -> str:
    """Renvoie l'heure où cette part de `number` personnes y était ; vide si elle n'y est pas."""
    rank = -int(-number * share // 1)
    if not number or len(times) < rank:
        return ""
    return time.strftime("%H:%M", time.localtime(sorted(times)[rank - 1]))
