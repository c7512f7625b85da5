"""Ce que les pages montrent : les lignes de chacun, ou des nombres, et où en est la salle."""

import json
import time
from datetime import datetime

from django.conf import settings

from workshop.chapters.schedule import PLANS, agenda, boundaries, clock
from workshop.chapters.steps import all_steps
from workshop.publishing.faults import example
from workshop.room.board import Board, Row
from workshop.room.guide import cause_title, goal_sentence, to_cut

# daphne ne laisse pas sortir une trame de plus de 64 Kio : voyez serving.py.
LARGEST_PAGE = 45_000
STEPS = {step.slug: step for step in all_steps()}
# Lus une fois : une image se fait dix fois par seconde.
TITLES = {slug: step.title for slug, step in STEPS.items()}
SLUGS = {slug[:2]: slug for slug in STEPS}
MOMENTS = agenda(PLANS[settings.PLAN], settings.PLAN_START)
BOUNDARIES = boundaries(PLANS[settings.PLAN])
example("", "")
board = Board([*STEPS])


def lines(after: int, life: str) -> dict:
    """Renvoie ce qui a changé depuis un numéro, personne par personne, et où en est la salle."""
    found = board.changes(after, life)
    rows, left = [], LARGEST_PAGE
    for row in found["rows"]:
        shown = line(row)
        left -= len(json.dumps(shown, ensure_ascii=False).encode())
        if left < 0:
            # La suite se demande par le numéro où l'on s'arrête, comme l'histoire d'un salon.
            found["number"] = row.number - 1
            break
        rows.append(shown)
    return found | {"rows": rows, "room": room(names=True)}


def counts() -> dict:
    """Renvoie ce qui se projette : des nombres, et personne."""
    return {"life": board.life, "number": board.number, "room": room(names=False)}


def line(row: Row) -> dict:
    """Renvoie la ligne d'une personne. Les heures sont en secondes depuis 1970."""
    story = row.story
    passage = story.passages.get(story.step)
    return {
        "id": row.id,
        "name": row.name,
        "step": story.step[:2],
        "done": "".join("d" if step in row.done else "." for step in STEPS),
        "here": [*STEPS].index(story.step),
        "goals": story.goals,
        "goal": goal_sentence(story.step, story.goal) if story.goal else "",
        "cause": cause_title(story.step, story.code, story.goal) if story.code else "",
        "began": passage.began if passage else None,
        "finished": story.step in row.done,
        "heard": row.heard,
        "red": story.red,
        "state": row.state(board.clock()),
        "stuck": story.stuck,
        "away": row.away,
        "verdicts": story.verdicts,
    }


def room(names: bool) -> dict:
    """Renvoie où en est la salle. Avec `names`, aussi qui est prêt pour la frontière suivante."""
    here = board.here([SLUGS[number] for _, _, number in MOMENTS if number])
    today = datetime.now()
    minute = today.hour * 60 + today.minute + today.second / 60
    past = [moment for moment in MOMENTS if moment[0] <= minute]
    begins, slot, _ = (past or MOMENTS)[-1 if past else 0]
    starts = {number: at for at, _, number in MOMENTS}
    ends = next(at + one.minutes for at, one, number in MOMENTS if number == here[:2])
    late = minute - ends if board.rows else 0
    # La première que la salle n'a pas passée : celle d'après, ou celle où elle attend l'heure.
    ahead = [
        one for one in BOUNDARIES if one > here[:2] or (one == here[:2] and starts[one] > minute)
    ]
    found = {
        "now": time.time(),
        "people": len(board.rows),
        "steps": [
            {"step": slug[:2], "title": TITLES[slug], "done": board.done(slug), **crowd}
            for slug, crowd in board.crowd().items()
        ],
        "causes": [
            {
                "step": step[:2],
                "title": cause_title(step, code, goal),
                "goal": goal_sentence(step, goal),
                "people": people,
                "page": f"cause/{step}/{code}/?but={goal}",
            }
            for (step, code, goal), people in board.causes()
        ],
        "schedule": {
            "slot": slot.what.replace("*", "").replace("`", "").partition("](")[0].strip("["),
            "until": clock((begins + slot.minutes) % 1440),
            "left": begins + slot.minutes - minute if minute >= begins else begins - minute,
            "over": minute >= MOMENTS[-1][0] + MOMENTS[-1][1].minutes,
            "early": minute < MOMENTS[0][0],
            "here": f"{here[:2]} · {TITLES[here]}",
            "late": max(0, late),
            "cut": to_cut(here, late),
        },
        "boundary": None,
    }
    if ahead:
        ready = board.ready(SLUGS[ahead[0]])
        found["boundary"] = {"step": ahead[0], "ready": len(ready)}
        found["boundary"] |= {"ids": ready} if names else {}
    return found
