"""La conversation : de celui qui parle au groupe, du groupe à chacun."""

import ast
import re

from workshop.diagnosis.consumer import (
    class_nodes,
    consumers,
    functions,
    mended,
    method,
    methods,
    route_places,
)
from workshop.diagnosis.rules import rule
from workshop.project.sources import Place

LAYER = ("group_add", "group_send", "group_discard")
TOGETHER = ("test_room", "test_departure", "test_full_name", "test_username", "test_transcript")


def sendings(case, *kinds: str) -> list[Place]:
    """Renvoie les lignes qui confient au groupe un événement de ces types, ou de tous."""
    events = case.probe.events
    return [call.place for kind, call in events if call.place and (not kinds or kind in kinds)]


@rule(steps=range(5, 100))
def not_an_event(case):
    """Ce que l'on envoie au groupe n'est pas un événement."""
    cause = """Le second argument de group_send est un dictionnaire :
    {"type": "chat.message", "text": …}."""
    for call in case.called("group_send"):
        event = call.second("message")
        if not isinstance(event, dict):
            observed = f"On envoie au groupe {event!r}, et non un événement."
            yield "not-an-event", call.place, cause, observed


@rule("ValueError", r"Incoming message has no 'type' attribute")
def no_type(case, error):
    """L'événement envoyé au groupe n'a pas de clé « type » : c'est elle qui nomme la méthode à
    appeler."""
    yield from (*sendings(case), None)


@rule("ValueError", r"No handler for message type (?P<kind>.*\S)")
def no_handler(case, error, kind):
    """Un événement arrive, et aucune méthode ne porte son nom."""
    wanted = method(kind)
    observed = f"Un événement de type « {kind} » arrive, et aucune méthode ne le reçoit."
    sent = [*sendings(case, kind), None]
    if kind.startswith("websocket.") or not wanted.isidentifier():
        cause = f"""Le type d'un événement nomme une méthode à vous, et « {kind} » n'en nomme pas.
        Écrivez « chat.message », et la méthode chat_message."""
        for place in sent:
            yield "bad-type", place, cause, observed
        return
    cause = f"""Le type « {kind} » appelle la méthode {wanted}, qui n'existe pas. Écrivez-la
    dans la classe : async def {wanted}(self, event):"""
    for place in sent:
        yield "no-handler", place, cause, observed


@rule("TypeError", r"(?:Group|Channel) name must be")
def bad_group_name(case, error):
    """La couche de canaux refuse le nom du groupe."""
    for call in case.called(*LAYER):
        name = str(call.first)
        wrong = sorted({*re.findall(r"[^a-zA-Z0-9\-_.]", name)})
        shown = ", ".join("une espace" if char == " " else f"« {char} »" for char in wrong)
        observed = f"Le groupe s'appelle « {name} », et la couche de canaux refuse {shown}."
        if name.startswith("specific.") and call.place:
            cause = "Les deux arguments sont échangés : d'abord le groupe, puis self.channel_name."
            observed = "Le premier argument est l'adresse d'un consommateur, et non un groupe."
            yield "swapped-arguments", call.place, cause, observed
            return
        for room in [room for room in case.probe.rooms.values() if {*str(room)} & {*wrong}]:
            cause = f"""La route a pris « {room} » pour le nom du salon. Bornez son motif :
            [-a-zA-Z0-9_]{{1,90}} entre « chat/ » et la barre finale."""
            for place in route_places(case):
                yield "route-too-wide", place, cause, observed
        cause = """N'employez que des lettres sans accent, des chiffres, des tirets, des points et
        des soulignés, moins de cent en tout."""
        for place in (*case.project.saying(name), call.place) if wrong else ():
            yield "group-name", place, cause, observed


@rule(goals="test_not_a_room", said=r"Le projet ouvre /")
def route_too_wide(case):
    """Le motif de cette route accepte ce chemin. Bornez-le : [-a-zA-Z0-9_]{1,90} entre « chat/ » et
    la barre finale, et inscrivez-vous au groupe avant d'accepter."""
    yield from route_places(case)


@rule(steps=range(5, 100))
def not_text(case):
    """Ce que l'on envoie au visiteur n'est pas un texte."""
    for call in case.called("send"):
        value = call.first
        if isinstance(value, str | bytes) or not call.place:
            continue
        cause = f"self.send reçoit le texte à dire, et non {value!r:.40}."
        if isinstance(value, dict):
            cause = """On envoie l'événement entier, un dictionnaire. Envoyez son texte :
            event["text"]."""
        yield "not-text", call.place, cause


@rule(steps=range(5, 100))
def no_receive(case):
    """Le consommateur n'a pas de méthode receive : ce que l'on dit n'arrive nulle part. Écrivez-la
    dans la classe."""
    written = [name for one in consumers(case) for name in functions(case, one)]
    if case.probe.unheard and not any("receive" in name for name in written):
        yield None


@rule(steps=range(5, 100))
def nothing_sent(case):
    """receive ne confie rien au groupe."""
    if not case.probe.unheard or case.called("group_send"):
        return
    cause = """receive répond à celui qui parle, et à lui seul. Confiez la phrase au groupe, par
    group_send."""
    for call in case.called("send"):
        if call.place and call.place.function == "receive":
            yield "echo-only", call.place, cause
    cause = """channel_layer.send parle à un seul consommateur. Pour tout un groupe, c'est
    group_send."""
    for call in case.called("channel_send"):
        if call.place:
            yield "send-to-channel", call.place, cause


@rule(steps=range(5, 100))
def not_joined(case):
    """Personne n'est inscrit au groupe à qui l'on parle, ou ne l'est plus."""
    if not case.probe.unheard:
        return
    joined, sent = case.called("group_add"), case.called("group_send")
    if not case.project.using("group_add"):
        cause = """Personne n'est inscrit au groupe : il manque « await
        self.channel_layer.group_add(self.group, self.channel_name) » dans connect."""
        yield "no-group-add", None, cause
    if joined and sent and joined[0].first != sent[0].first:
        cause = f"""On s'inscrit au groupe « {joined[0].first} », et l'on parle au groupe
        « {sent[0].first} ». Employez le même nom."""
        yield "other-group", sent[0].place, cause, "", _same_group(case, joined[0], sent[0])
        for place in (joined[0].place, None):
            yield "other-group", place, cause
    cause = "On est rayé du groupe avant d'avoir parlé. group_discard a sa place dans disconnect."
    for call in case.called("group_discard"):
        if sent and case.probe.calls.index(call) < case.probe.calls.index(sent[0]):
            yield "discarded-early", call.place, cause


def _same_group(case, joined, sent) -> str | None:
    """Renvoie la ligne qui parle au groupe, avec celui où l'on s'inscrit."""
    first = r"(group_\w+\)?\()([^,]+)"
    line = case.project.source(joined.place.file).line(joined.place.line) if joined.place else ""
    found = re.search(first, line)
    if not found or not sent.place:
        return None
    return mended(case, sent.place, first, rf"\g<1>{found[2]}")


@rule(steps=range(5, 100))
def not_told(case):
    """La méthode de l'événement le reçoit, et n'en dit rien au visiteur."""
    kinds = {method(kind) for kind, _ in case.probe.events}
    for one, function, place in methods(case, *kinds) if case.probe.unheard else ():
        start = f"« {function.__name__} » reçoit l'événement, et"
        cause = f'{start} n\'envoie rien. Il faut y écrire « await self.send(event["text"]) ».'
        if functions(case, one).keys() & {*function.__code__.co_names}:
            continue
        if "send" in function.__code__.co_names:
            cause = f"""{start} ne l'envoie pas à tous, celui qui parle compris. Voyez ses
            conditions."""
        yield "handler-says-nothing", place, cause


@rule(steps=range(5, 100))
def empty_text(case):
    """Une phrase vide se répète aussi, comme en 2016. Retirez de receive la condition qui
    l'arrête."""
    expected, heard = getattr(case.error, "expected", ""), getattr(case.error, "heard", "")
    if heard is None and expected.endswith("> "):
        for _, _, place in methods(case, "receive"):
            yield place


@rule(steps=range(5, 100), goals=TOGETHER)
def shared_state(case):
    """Cette ligne range sa valeur en un lieu commun à toutes les connexions, et le dernier arrivé
    la remplace. Rangez-la dans self."""
    for file, node in class_nodes(case):
        for line in _shared(case.project.source(file), node):
            yield Place(file, line)


def _shared(source, consumer: ast.ClassDef) -> list[int]:
    """Renvoie les lignes d'un consommateur qui rangent une valeur ailleurs que dans self."""
    common = {*source.defined, "type(self)", "self.__class__"}
    for line in consumer.body:
        if isinstance(line, ast.Assign):
            common |= {f"self.{ast.unparse(target)}" for target in line.targets}
    found, everyones = [], set()
    for node in ast.walk(consumer):
        everyones |= {*node.names} if isinstance(node, ast.Global) else set()
        if isinstance(getattr(node, "ctx", None), ast.Store):
            holder = getattr(node, "value", None)
            if (holder and ast.unparse(holder) in common) or getattr(node, "id", "") in everyones:
                found.append(node.lineno)
    return found
