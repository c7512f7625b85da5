"""La place que l'on a dans la salle : ce que `suivre` en dit au tableau, et ce qu'il en montre."""

import time
from collections.abc import Callable

from workshop.basics import WorkshopError
from workshop.checking.checking import Report
from workshop.room.membership import Membership, leave, membership
from workshop.room.reporter import Reporter
from workshop.system.memory import kept

KEYS = "b je suis bloqué · x quitter la salle"
FREE = "b je ne suis plus bloqué · x quitter la salle"


class Presence:
    """Tient le tableau au courant, tant que l'on est dans une salle ; sans elle, ne fait rien.

    `changed` est appelée quand la ligne à montrer a changé, d'un fil ou d'un autre.
    """

    def __init__(self, changed: Callable[[], None]):
        self.changed, self.known = changed, None
        self.member: Membership | None = None
        self.reporter: Reporter | None = None

    def look(self) -> None:
        """Regarde si l'on vient de rejoindre une salle, ou si l'on a rattrapé une étape."""
        if (now := kept("room") or "") == self.known:
            return
        self.known, before = now, self.member
        self.member = membership()
        same = self.member and before and self.member.url == before.url
        if not same and self.reporter:
            self.reporter.stop()
            self.reporter = None
        if self.member and not self.reporter:
            self.reporter = Reporter(self.member.url, self.changed)
            self.reporter.tell(self.member.frame)
            self.reporter.start()
        elif self.member:
            self.reporter.tell(self.member.frame)
        self.changed()

    def begins(self, step: str) -> None:
        """Dit que l'on commence une étape."""
        self._tell(lambda story: story.begin(step, time.time()))

    def judged(self, report: Report) -> None:
        """Dit ce que donne une vérification."""
        goals = "".join(goal.state[0] for goal in report.goals)
        goal = report.red.id if report.red else ""
        code = report.diagnosis.code if report.diagnosis and report.red else ""
        self._tell(
            lambda story: story.judge(report.step, goals, goal, code, report.passed, time.time())
        )

    def stuck(self) -> str:
        """Dit que l'on est bloqué, ou que l'on ne l'est plus ; renvoie la phrase à montrer."""
        self.look()
        if not self.member:
            return "Cette touche prévient la salle, et vous n'en avez rejoint aucune."
        is_stuck = not self.member.story.stuck
        self._tell(lambda story: setattr(story, "stuck", time.time() if is_stuck else None))
        return "Le tableau le montre : quelqu'un vient." if is_stuck else "Le tableau l'a effacé."

    def leave(self) -> str:
        """Quitte la salle ; renvoie la phrase à montrer."""
        self.look()
        if not self.member:
            return "Vous n'êtes dans aucune salle."
        if self.reporter:
            self.reporter.stop({**self.member.frame, "leave": True})
        leave()
        self.member, self.reporter, self.known = None, None, ""
        return "Vous avez quitté la salle : le tableau ne sait plus rien de vous."

    def stop(self) -> None:
        """Finit, sans quitter la salle : on la retrouvera."""
        if self.reporter:
            self.reporter.stop()

    @property
    def is_stuck(self) -> bool:
        """Dit si l'on a prévenu la salle que l'on est bloqué."""
        return bool(self.member and self.member.story.stuck)

    @property
    def place(self) -> str:
        """La place que l'on a dans une salle ; vide sinon."""
        if not self.member or not self.reporter:
            return ""
        return f"Salle : vous y êtes « {self.member.name} » ({self.reporter.state})"

    @property
    def line(self) -> str:
        """Ce que montre l'écran, tant que l'on est dans une salle ; vide sinon."""
        return f"{self.place} · {FREE if self.is_stuck else KEYS}" if self.place else ""

    def _tell(self, change: Callable) -> None:
        """Change l'histoire, la retient et la dit."""
        self.look()
        if not self.member:
            return
        change(self.member.story)
        try:
            self.member.save()
        except OSError as error:
            raise WorkshopError(f"Le dossier .atelier ne s'écrit pas ({error.strerror}).") from None
        self.known = kept("room")
        self.reporter.tell(self.member.frame)
