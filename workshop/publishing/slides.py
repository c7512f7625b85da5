"""Lit les diapositives, et dit où elles s'écartent des chapitres."""

import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from markdown_it.token import Token

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.schedule import AROUND
from workshop.chapters.steps import ALMOST_CAPTION, FORMS, PARSER, Step, all_steps

HEADER = ("marp: true", "theme: atelier", "lang: fr", "paginate: true")
CLASSES = ("titre", "question", "travail", "dessin")
LABELS = ("Dire", "Montrer", "Demander", "Ce qui rate", "Minutes")
FEWEST, MOST = 5, 10
LINES, COLUMNS = 14, 75

CLASS = re.compile(r"<!-- _class: (\w+) -->\n*")
CAPTIONS = {name: FORMS[name] for name in ("path", "terminal")} | {
    "then": re.compile(r"\*\*En 2016\*\*")
}
CUT = re.compile(r"^[ \t]*(?:#|//) …\n", re.M)
DURATION = re.compile(r"<time>(\d+) minutes</time>")
SIZE = re.compile(r"\b[wh]:\d+(?:px)?(?!\w)")

Fault = tuple[int, str]


@dataclass(frozen=True)
class Taught:
    """Ce que des chapitres enseignent, et que des diapositives peuvent citer."""

    solution: Path
    said: set[str] = field(default_factory=set)
    then: list[list[str]] = field(default_factory=list)


def decks() -> list[Path]:
    """Renvoie les jeux de diapositives, dans l'ordre."""
    return sorted((ROOT / "slides").glob("[0-9][0-9]-*.md"))


def find_deck(number: str) -> Path:
    """Renvoie le jeu nommé `5`, `05` ou `05-consumers` ; lève WorkshopError s'il n'y en a pas."""
    found = decks()
    for deck in found:
        if number in (deck.stem, deck.stem[:2], str(int(deck.stem[:2]))):
            return deck
    numbers = ", ".join(deck.stem[:2] for deck in found)
    raise WorkshopError(f"Il n'y a pas de diapositives « {number} ». Choisissez parmi {numbers}.")


def problems() -> list[str]:
    """Renvoie une phrase par écart, avec son fichier et sa ligne."""
    steps = {step.slug: step for step in all_steps()}
    found = [
        f"slides/{name}.md : ce jeu de diapositives manque."
        for name in [*AROUND, *steps]
        if not (ROOT / "slides" / f"{name}.md").exists()
    ]
    for deck in decks():
        found += [
            f"slides/{deck.name}, ligne {line} : {sentence}"
            for line, sentence in sorted(_deck(deck, steps), key=itemgetter(0))
        ]
    return found


def _deck(deck: Path, steps: dict[str, Step]) -> Iterator[Fault]:
    text = deck.read_text("utf-8")
    step = steps.get(deck.stem)
    if not step and deck.stem not in AROUND:
        yield 1, "aucune étape ne porte ce nom."
        return
    taught = _taught([step] if step else [*steps.values()])
    header, slides = _slides(text)
    title = f"title: {step.slug[:2]} · {step.title}" if step else "title: "
    for wanted in (*HEADER, title):
        if not any(line.startswith(wanted) for line in header):
            yield 1, f"il manque « {wanted} » dans l'en-tête."
    if not FEWEST <= len(slides) <= MOST:
        yield 1, f"{len(slides)} diapositives : il en faut de {FEWEST} à {MOST}."
    if not all(slides):
        yield 1, "une diapositive est vide : un « --- » est de trop."
    total = 0
    for slide in filter(None, slides):
        minutes = yield from _note(slide)
        total += minutes
        yield from _work(slide, minutes)
        yield from _images(slide, deck.parent)
        yield from _code(slide, taught)
    wanted = step.minutes if step else AROUND[deck.stem]
    if total != wanted:
        yield 1, f"les notes font {total} minutes ; il en faut {wanted}."


def _slides(text: str) -> tuple[list[str], list[list[Token]]]:
    """Renvoie les lignes de l'en-tête, et les jetons de chaque diapositive."""
    header, _, body = text.partition("\n---\n")
    # Des lignes vides à la place de l'en-tête : celles des jetons restent justes.
    tokens = PARSER.parse("\n" * (header.count("\n") + 2) + body)
    slides = [[]]
    for token in tokens:
        if token.type == "hr" and not token.level:
            slides.append([])
        else:
            slides[-1].append(token)
    return header.splitlines(), slides


def _note(slide: list[Token]) -> Generator[Fault, None, int]:
    """Donne les défauts des commentaires d'une diapositive ; renvoie les minutes de sa note."""
    comments = [token for token in slide if token.content.startswith("<!--")]
    for token in comments[:-1]:
        named = CLASS.fullmatch(token.content)
        if not named or named[1] not in CLASSES or token is not slide[0]:
            yield (
                _line(token),
                "avant la note, un commentaire est en tête, et c'est une classe : "
                f"<!-- _class: {' ou '.join(CLASSES)} -->.",
            )
    if not comments or comments[-1] is not slide[-1]:
        yield _line(slide[0]), "la diapositive ne finit pas par sa note."
        return 0
    note = comments[-1]
    found = [re.search(rf"^{label}[ \u00a0]: *(\S.*)", note.content, re.M) for label in LABELS]
    for label, value in zip(LABELS, found, strict=True):
        if not value:
            yield _line(note), f"il manque à la note sa ligne « {label}\u00a0: … »."
    places = [value.start() for value in found if value]
    if places != sorted(places):
        yield _line(note), f"la note se lit dans cet ordre : {', '.join(LABELS)}."
    minutes = found[-1]
    if minutes and not minutes[1].isdecimal():
        yield _line(note), f"les minutes sont un nombre, et non « {minutes[1]} »."
        return 0
    return int(minutes[1]) if minutes else 0


def _work(slide: list[Token], minutes: int) -> Iterator[Fault]:
    named = CLASS.fullmatch(slide[0].content)
    durations = [
        (token, found)
        for token in slide
        if token.type == "inline" and (found := DURATION.fullmatch(token.content))
    ]
    if (named is not None and named[1] == "travail") != (len(durations) == 1):
        yield (
            _line(slide[0]),
            "« <time>N minutes</time> », seul sur sa ligne, est dans une diapositive `travail`, "
            "une fois, et nulle part ailleurs.",
        )
    for token, found in durations:
        if int(found[1]) != minutes:
            yield _line(token), f"{found[1]} minutes ici, {minutes} dans la note."


def _images(slide: list[Token], folder: Path) -> Iterator[Fault]:
    for token in slide:
        for image in token.children or []:
            if image.type != "image":
                continue
            source, words = image.attrGet("src"), SIZE.sub("", image.content).split()
            if not re.fullmatch(r"img/[\w-]+\.svg", source) or not (folder / source).is_file():
                yield _line(token), f"{source} n'est pas un dessin de slides/img."
            if not words or "bg" in words:
                yield _line(token), f"l'image {source} doit être dite en quelques mots."


def _code(slide: list[Token], taught: Taught) -> Iterator[Fault]:
    for i, token in enumerate(slide):
        alone = token.type == "inline" and slide[i - 1].type == "paragraph_open"
        followed = [after.type for after in slide[i + 2 : i + 3]] == ["fence"]
        if alone and not followed and _caption(token.content):
            yield _line(token), f"aucun bloc ne suit la légende « {token.content} »."
        if token.type != "fence":
            continue
        before = slide[i - 2].content if i and slide[i - 1].type == "paragraph_close" else ""
        yield from ((_line(token), sentence) for sentence in _block(token, before, taught))


def _block(block: Token, before: str, taught: Taught) -> Iterator[str]:
    """Donne les défauts d'un bloc ; `before` est le paragraphe qui le précède."""
    lines = block.content.splitlines()
    if len(lines) > LINES or max(map(len, lines), default=0) > COLUMNS:
        yield f"un bloc a au plus {LINES} lignes de {COLUMNS} colonnes."
    match _caption(before):
        case "path", path:
            file = taught.solution / path
            if not file.is_file():
                yield f"{path} n'est pas dans solutions/{taught.solution.name}."
                return
            yield from _lost(block, [file.read_text("utf-8").splitlines()], path)
        case ("then",):
            yield from _lost(block, taught.then, "la rubrique « En 2016 » du chapitre")
        case "terminal", _ if block.info != "bash":
            yield "les commandes d'un terminal sont un bloc `bash`."
        case "terminal", _:
            yield from _unsaid(lines, taught)
        case None if ALMOST_CAPTION.match(before):
            yield f"« {before} » ressemble à une légende sans en être une."
        case None if block.info == "text":
            yield from _unsaid(lines, taught)
        case None if block.info:
            yield f"un bloc `{block.info}` demande une légende, pour être comparé à sa source."


def _lost(block: Token, sources: list[list[str]], where: str) -> Iterator[str]:
    """Donne les morceaux d'un bloc qui ne sont pas, mot pour mot, dans une source."""
    for piece in filter(str.strip, CUT.split(block.content)):
        wanted = piece.strip("\n").splitlines()
        starts = ((lines, i) for lines in sources for i in range(len(lines)))
        if not any(lines[i : i + len(wanted)] == wanted for lines, i in starts):
            first = wanted[0].strip()
            yield f"ces lignes ne sont pas, mot pour mot, dans {where} : « {first} »…"


def _unsaid(lines: Iterable[str], taught: Taught) -> Iterator[str]:
    for line in lines:
        if line.strip() and line.strip() not in taught.said:
            yield f"le chapitre ne dit pas « {line.strip()} »."


def _caption(paragraph: str) -> tuple[str, ...] | None:
    """Renvoie la sorte de légende qu'est un paragraphe et ce qu'elle nomme, ou None."""
    text = paragraph.replace("\u00a0", " ")
    for kind, form in CAPTIONS.items():
        if found := form.fullmatch(text):
            return (kind, *found.groups())
    return None


def _taught(steps: list[Step]) -> Taught:
    taught = Taught(steps[-1].solution)
    for step in steps:
        section = ""
        for token, following in zip(step.tokens, [*step.tokens[1:], None], strict=True):
            if token.type == "heading_open" and token.tag == "h2":
                section = following.content
            if token.type == "fence":
                lines = token.content.splitlines()
                taught.said.update(line.strip() for line in lines)
                if section == "En 2016":
                    taught.then.append(lines)
            codes = (child for child in token.children or [] if child.type == "code_inline")
            taught.said.update(code.content for code in codes)
    return taught


def _line(token: Token) -> int:
    return token.map[0] + 1
