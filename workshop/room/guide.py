"""Ce que disent les textes de l'atelier : les fautes, les chapitres, ce que l'on coupe."""

import ast
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from html import escape
from itertools import pairwise

from workshop.basics import ROOT
from workshop.chapters.replay import patched
from workshop.chapters.steps import Patch, Step, Write, all_steps, find_step, read_acts
from workshop.diagnosis.edits import Edit
from workshop.diagnosis.movements import to_read_again
from workshop.diagnosis.naming import Naming
from workshop.publishing.faults import LAST_BLOCK, example
from workshop.publishing.pages import PARSER

# Ce que disent les codes qui ne nomment aucune cause : voyez CONTRIBUER.md.
NAMELESS = {
    "read-again": "Un passage du chapitre à relire",
    "somewhere": "Un fichier à relire",
    "not-written": "Un mouvement qui n'est pas encore écrit",
    "unknown": "Une cause que l'on ne connaît pas",
}
# Dans un long fichier, ce que l'on montre autour de la faute.
CONTEXT = 12
# Ces retards, en minutes, sont ceux du tableau « Ce que l'on coupe ».
DELAYS = (15, 30, 45)


@dataclass(frozen=True)
class Cause:
    """Une cause à projeter : sa faute dans FAUTES.md, un programme faux, un passage du chapitre.

    `program` est une suite de lignes, chacune vraie si elle est fausse ; `passage` est du HTML.
    """

    title: str
    message: list[str]
    file: str
    program: list[tuple[bool, str]]
    movement: str
    passage: str


# Ce que l'on demande vient d'ailleurs : la mémoire de ces réponses est bornée.
@lru_cache(500)
def goal_sentence(step: str, goal: str) -> str:
    """Renvoie la phrase d'un but ; vide s'il n'y en a pas."""
    # Ce qui était acquis et s'est perdu porte d'abord le nom de son étape.
    slug, _, name = goal.rpartition("/")
    known = [one for one in all_steps() if one.slug == (slug or step)]
    for path in sorted(path for one in known for path in one.folder.glob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
                return (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
    return ""


@lru_cache(500)
def cause_title(step: str, code: str, goal: str = "") -> str:
    """Renvoie le nom d'une cause, en quelques mots."""
    if code in NAMELESS:
        return NAMELESS[code]
    path = example(step, code, goal)
    return _title(path.read_text("utf-8")) if path else code


@lru_cache(100)
def cause(step: str, code: str, goal: str = "") -> Cause | None:
    """Renvoie ce qu'il y a à montrer d'une cause ; None si aucune faute connue ne la porte."""
    path = example(step, code, goal)
    if not path:
        return None
    text = path.read_text("utf-8")
    where = find_step(path.parent.name)
    acts = [
        act
        for act in read_acts(LAST_BLOCK.sub("", text), path.stem)
        if not hasattr(act, "commands")
    ]
    acts = [act for act in acts if isinstance(act, Patch | Write)]
    message = LAST_BLOCK.search(text)["message"].splitlines()
    file, program, movement = "", [], None
    if acts:
        file, theirs = acts[0].path, where.solution / acts[0].path
        right = theirs.read_text("utf-8") if theirs.is_file() else ""
        wrong = right
        for act in acts:
            if act.path == file:
                patch = isinstance(act, Patch)
                wrong = patched(wrong, act.diff, path.stem) if patch else act.content
        lost, program = _marked(right.splitlines(), wrong.splitlines())
        movement = to_read_again(Edit(file, "changed", lines=lost), Naming(where.solution), where)
    return Cause(
        _title(text),
        message,
        file,
        program,
        f"{movement.step.slug[:2]} · {movement.number}. {movement.title}" if movement else "",
        _passage(movement.step, f"{movement.number}. {movement.title}") if movement else "",
    )


def _title(text: str) -> str:
    return text.splitlines()[0].removeprefix("# ").replace("`", "")


def _marked(right: list[str], wrong: list[str]):
    """Renvoie les lignes qui manquent à un programme, et ce que l'on en montre, lignes marquées."""
    blocks = SequenceMatcher(None, right, wrong, False).get_opcodes()
    changed = [(a, b) for tag, a, b, _, _ in blocks if tag != "equal"]
    # À une ligne de trop, rien ne manque : ce qui l'entoure dit quel passage relire.
    lost = [line for a, b in changed for line in right[a:b]] or [
        line for a, b in changed for line in right[max(0, a - 3) : b + 3]
    ]
    # Où il manque des lignes, c'est la suivante que l'on montre ; à la fin, la dernière.
    last = len(wrong) - 1
    bad = {
        min(n, last)
        for tag, _, _, a, b in blocks
        if tag != "equal"
        for n in range(a, max(b, a + 1))
    }
    near = {n for one in bad for n in range(one - CONTEXT, one + CONTEXT + 1)}
    program, hidden = [], False
    for number, line in enumerate(wrong):
        if number in near:
            program.append((number in bad, line))
        elif not hidden:
            program.append((False, "…"))
        hidden = number not in near
    return tuple(lost), program


def _passage(step: Step, title: str) -> str:
    """Renvoie en HTML un mouvement d'un chapitre, sans ses liens ni ses images."""
    text = step.chapter.read_text("utf-8")
    starts = [
        (inline.content, opening.map[0])
        for opening, inline in pairwise(step.tokens)
        if opening.type == "heading_open" and opening.tag == "h2"
    ]
    lines = text.splitlines(keepends=True)
    for (name, start), (_, end) in pairwise([*starts, ("", len(lines))]):
        if name == title:
            html = PARSER.render("".join(lines[start + 1 : end]))
            html = re.sub(r"</?a\b[^>]*>|<img\b[^>]*>", "", html)
            # Un bloc plus large que l'écran se fait défiler au clavier.
            return html.replace("<pre>", '<pre tabindex="0">')
    return f"<p>{escape(title)}</p>"


def to_cut(step: str, late: float) -> list[str]:
    """Renvoie ce que le guide dit de couper, à cette étape et avec ce retard, en minutes."""
    rank = sum(late >= delay for delay in DELAYS)
    if not rank:
        return []
    day, later = _cuts()
    if int(step[:2]) < 7:
        return day[:rank]
    return list(filter(None, later.get(step[:2], ())[: 1 if rank == 1 else 2]))


@cache
def _cuts() -> tuple[list[str], dict[str, list[str]]]:
    """Ce que l'on coupe, lu dans ANIMER.md : par retard, puis par étape à partir de 07."""
    text = (ROOT / "ANIMER.md").read_text("utf-8")
    section = text.partition("**Ce que l'on coupe.**")[2].partition("\n## ")[0]
    rows = [
        [_plain(cell) for cell in line.strip("| ").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    day = [
        cut for first, *cuts in rows if first.startswith(("de 15", "de 30", "plus")) for cut in cuts
    ]
    later = {first: cuts for first, *cuts in rows if re.fullmatch(r"\d\d", first)}
    return day, later


def _plain(cell: str) -> str:
    return re.sub(r"[*`]|\[([^]]*)\]\([^)]*\)", r"\1", cell).strip()
