"""La marge des pages : ce que montre `suivre`, à côté du chapitre."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from workshop.chapters.steps import Step
from workshop.checking.checking import green_steps
from workshop.following.screen import conclusion, remaining, text
from workshop.following.watching import Follower

# Ce qu'une page peut demander, et la touche de `suivre` qui le fait.
KEYS = {"check": "v", "next": "n", "stuck": "b", "leave": "x"}


class Live:
    """Suit le projet, et montre aux pages ouvertes ce qui change.

    `readers` sont leurs fonctions `send`, que l'on appelle avec chaque image de la marge.
    """

    def __init__(self, step: Step, project: Path):
        self.follower = Follower(step, project, green_steps())
        self.readers: set[Callable[[str], Awaitable[None]]] = set()
        self.shown, self.tasks = "", []
        self.loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Suit le projet dans cette boucle."""
        self.loop = loop
        # Une vérification en cours donne de ses nouvelles depuis un autre fil.
        self.follower.refresh = lambda: loop.call_soon_threadsafe(self._show)
        works = (self.follower.watch(), self.follower.verify(), self.follower.keep_presence())
        self.tasks = [loop.create_task(work) for work in works]

    def stop(self) -> None:
        """Arrête de suivre, et ce qui tourne pour cela ; la boucle ne tourne plus."""
        self.follower.refresh = lambda: None
        self.follower.stop()
        for task in self.tasks:
            task.cancel()
        if self.loop:
            self.loop.run_until_complete(asyncio.gather(*self.tasks, return_exceptions=True))

    def press(self, asked: str) -> None:
        """Fait ce qu'une page demande, parmi KEYS."""
        self.follower.press(KEYS[asked])

    def picture(self) -> str:
        """Renvoie en JSON ce que montre la marge."""
        view = self.follower.view
        report, following = view.report, view.step.following
        judged = report if report and report.goals and not view.checking else None
        found = report.diagnosis if report else None
        return json.dumps(
            {
                "title": f"{view.step.slug[:2]} · {view.step.title}",
                "page": _page(view.step),
                "remaining": remaining(view),
                "goals": [asdict(goal) for goal in report.goals] if report else [],
                "cause": str(found) if found else "",
                "conclusion": text(conclusion(view), 10_000, color=False).strip() if judged else "",
                "status": " ".join(filter(None, (view.status, view.note))),
                "room": self.follower.presence.place,
                "stuck": self.follower.presence.is_stuck,
                "next": _page(following) if judged and judged.passed and following else "",
            },
            ensure_ascii=False,
        )

    def _show(self) -> None:
        if (picture := self.picture()) != self.shown:
            self.shown = picture
            for send in self.readers:
                self.tasks.append(asyncio.ensure_future(send(picture)))
            self.tasks = [task for task in self.tasks if not task.done()]


def _page(step: Step) -> str:
    return step.shown_chapter.removesuffix(".md") + ".html"
