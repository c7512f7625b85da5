"""Une demi-journée, jouée par cinq personnes : ce que raconte le tableau, et ce qu'en dit le CSV.

Les minutes sont celles d'une montre que l'on avance ; les connexions, le tableau et sa mort sont
vrais.
"""

import asyncio
import csv
import time
import urllib.request

import pytest

from tests.room.serving import Wire, member, running_board, viewing
from workshop.chapters.schedule import MEASURES, compared
from workshop.chapters.steps import find_step
from workshop.room import reporter as reporter_module
from workshop.room.reporter import Reporter
from workshop.room.story import Story

MINUTE = 60
CODES = {"03": "missing-sign", "04": "never-accepted", "05": "coroutine-not-awaited"}
# À chaque minute, qui, et quoi : finir une étape et commencer la suivante, ou un but rouge.
SCRIPT = [
    (0, "vite", "03"),
    (0, "lent", "03"),
    (0, "erre", "03"),
    (0, "perd", "03"),
    (5, "erre", "rouge"),
    (12, "vite", "04"),
    (13, "erre", "04"),
    (20, "perd", "04"),
    (25, "vite", "05"),
    (27, "erre", "rouge"),
    (30, "lent", "04"),
    (31, "erre", "rouge"),
    (38, "erre", "05"),
    (40, "retard", "rattrape 04"),
    (45, "perd", "coupure"),
    (48, "perd", "05"),
    (52, "perd", "rouge"),
    (55, "perd", "retour"),
    (58, "retard", "05"),
    (60, "vite", "06"),
    (61, "lent", "05"),
    (65, "lent", "bloqué"),
    (70, "", "le tableau meurt"),
    (71, "erre", "rouge"),
    (75, "", "le tableau revient"),
    (80, "vite", "fin"),
    (95, "erre", "06"),
    (100, "perd", "06"),
    (105, "retard", "06"),
    (110, "lent", "rattrape 06"),
]
# Ce que le script ci-dessus fait d'une salle de cinq, compté à la main : la minute où la moitié y
# est, puis où elle est verte, puis les trois quarts ; les rattrapages ; la médiane ; les personnes.
TOLD = {
    # Quatre y étaient. Finie à 12, 13, 20 et 30.
    "03": (0, 13, 20, 0, "16,5", 4),
    # Commencée à 12, 13, 20, 30 et 40 ; finie à 25, 38, 48, 58 et 61, en 13, 25, 28, 18 et 31.
    "04": (20, 48, 58, 1, "25,0", 5),
    # Commencée à 25, 38, 48, 58 et 61 ; finie à 60, 95, 100 et 105, en 35, 57, 52 et 47.
    "05": (48, 100, 105, 0, "49,5", 4),
    # Commencée à 60, 95, 100, 105 et 110 ; finie à 80.
    "06": (100, None, None, 1, "20,0", 1),
}
CAUSES = [
    ("03", "missing-sign", "1", "1"),
    # Deux fois le même message d'affilée n'est qu'une faute.
    ("04", "never-accepted", "1", "1"),
    ("05", "coroutine-not-awaited", "2", "2"),
]


class Robot:
    """Quelqu'un qui suit le script, à l'heure d'une montre que l'on avance."""

    def __init__(self, name: str, url: str):
        self.member = member(url, name)
        self.member.story = Story("03-settings", ["01-virtualenv", "02-startproject"])
        self.reporter = Reporter(url)
        self.talking: asyncio.Task | None = None

    def act(self, what: str, now: float) -> None:
        """Fait ce que dit le script."""
        story = self.member.story
        if what == "rouge":
            story.judge(story.step, "pfw", "", CODES[story.step[:2]], False, now)
        elif what == "bloqué":
            story.stuck = now
        elif what.startswith("rattrape"):
            story.catch_up(find_step(what[-2:]).slug, now)
        else:
            if story.passages:
                story.judge(story.step, "ppp", "", "", True, now)
            if what != "fin":
                story.begin(find_step(what).slug, now)

    def tell(self, now: float) -> None:
        self.reporter.tell(self.member.frame | {"now": now})
        self.talking = self.talking or asyncio.create_task(self.reporter.run())


async def play(board, wire: Wire, start: float) -> tuple[dict, str]:
    """Joue la demi-journée, vérifiée chaque minute ; renvoie les dernières lignes et le CSV."""
    robots = {
        name: Robot(name, wire.url if name == "perd" else board.room)
        for name in ("vite", "lent", "erre", "perd", "retard")
    }
    async with viewing(board) as viewer:
        for minute, name, what in SCRIPT:
            now = start + minute * MINUTE
            if what == "le tableau meurt":
                await asyncio.to_thread(board.kill)
                viewer.life, viewer.rows = "", {}
            elif what == "le tableau revient":
                await asyncio.to_thread(board.start)
                await viewer.until(lambda: viewer.life and len(viewer.rows) == 5, 60)
            elif what == "coupure":
                wire.break_off()
                await viewer.until(lambda: viewer.named("perd")["state"] == "silent")
            elif what == "retour":
                wire.cut = False
                await viewer.until(lambda: viewer.named("perd")["state"] == "red", 30)
            else:
                robots[name].act(what, now)
                robots[name].tell(now)
                if not wire.cut and board.process.poll() is None:
                    await shown(viewer, robots[name])
                elif name == "perd":
                    # Le tableau ne sait rien, et ne fait semblant de rien.
                    assert viewer.named("perd")["step"] == "04"
                    assert viewer.named("perd")["state"] == "silent"
        for robot in robots.values():
            robot.tell(time.time())
            await shown(viewer, robot)
        await asyncio.sleep(0.3)
        page = board.url + board.board + "mesures.csv"
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(page).read().decode())
        for robot in robots.values():
            robot.reporter.stop()
            await asyncio.wait_for(robot.talking, 15)
        return {row["name"]: row for row in viewer.rows.values()}, text


async def shown(viewer, robot: Robot) -> None:
    """Attend que la page montre ce que vient de faire un robot."""
    story = robot.member.story

    def same() -> bool:
        row = viewer.named(robot.member.name)
        return row and (row["step"], row["verdicts"], bool(row["stuck"]), bool(row["red"])) == (
            *(story.step[:2], story.verdicts, bool(story.stuck), bool(story.red)),
        )

    await viewer.until(same, 30)


async def test_five_people_live_a_half_day(monkeypatch):
    monkeypatch.setattr(reporter_module, "LONGEST_PAUSE", 1)
    # Au milieu d'une minute : aucune heure n'hésite entre deux.
    start = time.time() // MINUTE * MINUTE - 111 * MINUTE + 30
    with running_board() as board:
        async with Wire(board.port) as wire:
            rows, text = await play(board, wire, start)
    states = {name: (row["step"], row["state"]) for name, row in rows.items()}
    assert states == {
        "vite": ("06", "green"),
        # Dans l'étape depuis moins de dix minutes.
        "lent": ("06", "busy"),
        "erre": ("06", "silent"),
        "perd": ("06", "silent"),
        "retard": ("06", "busy"),
    }
    found, causes = tables(text)
    for step, (began, half, most, caught, median, people) in TOLD.items():
        hours = [hour(start, minute) for minute in (began, half, most)]
        assert found[step] == [step, *hours, str(caught), median, str(people)]
    assert [tuple(row) for row in causes] == CAUSES
    assert "vite" not in text and "retard" not in text
    assert compared(text) == [
        (step, find_step(step).minutes, float(told[4].replace(",", ".")), told[5])
        for step, told in TOLD.items()
    ]


def hour(start: float, minute: int | None) -> str:
    if minute is None:
        return ""
    return time.strftime("%H:%M", time.localtime(start + minute * MINUTE))


def tables(text: str) -> tuple[dict[str, list[str]], list[list[str]]]:
    """Renvoie les deux tableaux du CSV : les heures, par étape, et les causes."""
    rows = [*csv.reader(text.lstrip("\ufeff").splitlines(), delimiter=";")]
    assert tuple(rows[0]) == MEASURES
    middle = rows.index([])
    return {row[0]: row for row in rows[1:middle]}, rows[middle + 2 :]


@pytest.mark.parametrize("text", ["", "étape;minutes\n05;12\n", "a,b\n1,2\n", "\ufeff;;;\n"])
def test_another_csv_is_a_sentence_or_nothing(text):
    from workshop.basics import WorkshopError

    try:
        assert compared(text) == []
    except WorkshopError as error:
        assert "Ce fichier" in str(error)
