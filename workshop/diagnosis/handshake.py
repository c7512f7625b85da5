"""La poignée de main : le consommateur accepte, puis salue, une fois et dans cet ordre."""

from workshop.diagnosis.consumer import methods
from workshop.diagnosis.rules import rule


@rule(steps=range(4, 100))
def spoke_too_soon(case):
    """Le consommateur parle avant d'avoir accepté."""
    sends, accepts = case.called("send"), case.called("accept")
    observed = "Le consommateur parle avant d'avoir accepté la connexion."
    cause = """On ne parle qu'après avoir accepté : déplacez « await self.accept() » avant le
    premier envoi."""
    if accepts and sends and case.probe.calls.index(sends[0]) < case.probe.calls.index(accepts[0]):
        for call in (sends[0], accepts[0]):
            yield "send-before-accept", call.place, cause, observed


@rule(steps=range(4, 100))
def never_accepted(case):
    """connect n'accepte jamais la connexion."""
    if case.called("accept"):
        return
    cause = """Rien n'accepte la connexion : il manque « await self.accept() » dans connect, ou il
    n'est pas exécuté."""
    if case.probe.answer == "early":
        observed = "Le consommateur parle avant d'avoir accepté la connexion."
        for place in (*case.project.using("accept"), None):
            yield "never-accepted", place, cause, observed
    if case.probe.answer == "silence" and not case.probe.waiting:
        for _, _, place in methods(case, "connect"):
            yield "never-accepted", place, cause


@rule(steps=range(4, 100))
def double_accept(case):
    """La connexion est acceptée deux fois. Gardez un seul « await self.accept() » ;
    « super().connect() » accepte aussi."""
    accepts = [call.place for call in case.called("accept") if call.place]
    if len(accepts) > len(case.probe.consumers):
        yield from accepts


@rule(steps=range(4, 100))
def waits_forever(case):
    """Le consommateur attend quelque chose qui ne vient pas."""
    place = case.probe.waiting
    if place:
        what = "ne dit rien"
        if case.probe.answer != "accept":
            what = "n'accepte donc pas. Acceptez d'abord, ou retirez cette attente"
        cause = f"« {place.function} » attend encore à cette ligne, et {what}."
        yield "waits-forever", place, cause


@rule(steps=range(4, 100), said=r"refuse|ferme|403")
def closed(case):
    """Cette ligne ferme la connexion. Retirez-la, ou dites dans quel cas elle doit agir."""
    for call in case.called("close"):
        if call.place:
            yield call.place


@rule(steps=range(5, 100), said=r"Attendu\W+Bienvenue.*rien n'est venu")
def no_welcome(case):
    """connect accepte, et n'envoie rien. Après « await self.accept() », il faut « await
    self.send(…) », dans la même méthode."""
    said = [call.place.function for call in case.called("send") if call.place]
    if case.probe.answer == "accept" and "connect" not in said:
        yield None
