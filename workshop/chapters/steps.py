"""Lit les chapitres : leurs titres, leurs minutes, et les actes qu'ils font faire au projet."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from workshop.basics import ROOT, WorkshopError

# Celles qui lancent un serveur s'arrêtent par Ctrl-C.
SERVING = "serveur|second serveur|redis|second redis|postgresql|nginx|public"
# Les seules formes qui agissent sur le projet : un paragraphe entier, visible du lecteur.
FORMS = {
    "path": re.compile(r"\*\*`([^`*]+)`\*\*"),
    "terminal": re.compile(rf"\*\*Terminal « ({SERVING}|projet|atelier) »\*\*"),
    "delete": re.compile(r"Supprimez le fichier \*\*`([^`*]+)`\*\*\."),
    "rename": re.compile(r"Renommez \*\*`([^`*]+)`\*\* en \*\*`([^`*]+)`\*\*\."),
    "stop": re.compile(
        r"Arrêtez (?:le (?:second )?serveur|Redis|PostgreSQL|nginx|le public) : \*\*Ctrl-C\*\* "
        rf"dans le terminal « ({SERVING}) »\."
    ),
}
ALMOST_CAPTION = re.compile(
    r"[*_]+\s*(`|Terminal\b|[\w./-]+\.\w+[*_])|Terminal\b|`[\w./-]+`\s*:?$", re.I
)
PARSER = MarkdownIt("commonmark").enable("table")


class ChapterError(WorkshopError):
    """Un chapitre dont la forme ne se laisse pas rejouer ; nomme le chapitre et la ligne."""


@dataclass(frozen=True)
class Write:
    """Le chapitre donne un fichier entier ; `given` : il se copie, et n'est pas la leçon."""

    path: str
    content: str
    line: int
    given: bool = False


@dataclass(frozen=True)
class Patch:
    """Le chapitre change un fichier : des morceaux de différence, séparés par `@@`."""

    path: str
    diff: str
    line: int
    given: bool = False


@dataclass(frozen=True)
class Delete:
    """Le chapitre fait supprimer un fichier."""

    path: str
    line: int


@dataclass(frozen=True)
class Rename:
    """Le chapitre fait renommer un fichier."""

    path: str
    new_path: str
    line: int


@dataclass(frozen=True)
class Stop:
    """Le chapitre fait arrêter ce qui tourne dans un terminal, par Ctrl-C.

    `output` est ce qu'il annonce que ce terminal montre alors, depuis le début.
    """

    terminal: str
    line: int
    output: str | None = None


@dataclass(frozen=True)
class Run:
    """Le chapitre fait taper des commandes dans un terminal ; `output` est ce qu'il annonce."""

    terminal: str
    commands: list[str]
    line: int
    powershell: list[str] = field(default_factory=list)
    output: str | None = None


Act = Write | Patch | Delete | Rename | Stop | Run


@dataclass(frozen=True)
class Step:
    """Une étape du parcours : un dossier de `steps/`, son chapitre et son test."""

    folder: Path

    @property
    def slug(self) -> str:
        return self.folder.name

    @property
    def number(self) -> int:
        return int(self.slug[:2])

    @property
    def chapter(self) -> Path:
        return self.folder / "README.md"

    @property
    def shown_chapter(self) -> str:
        """Le chemin du chapitre depuis la racine, comme on le montre."""
        return self.chapter.relative_to(ROOT).as_posix()

    @property
    def solution(self) -> Path:
        return ROOT / "solutions" / self.slug

    @property
    def following(self) -> "Step | None":
        """L'étape d'après, s'il y en a une."""
        return next((step for step in all_steps() if step.number > self.number), None)

    @cached_property
    def tokens(self) -> list[Token]:
        return PARSER.parse(self.chapter.read_text("utf-8"))

    @cached_property
    def title(self) -> str:
        """Le titre du chapitre, sans son numéro."""
        return self.headings("h1")[0].split(" · ", 1)[-1]

    @cached_property
    def minutes(self) -> int:
        """Les minutes annoncées sous le titre."""
        found = re.search(r"^\*\*(\d+) minutes\*\*", self.chapter.read_text("utf-8"), re.M)
        if not found:
            raise ChapterError(f"{self.slug} : il manque « **N minutes** » sous le titre.")
        return int(found[1])

    @cached_property
    def summary(self) -> str:
        """La première phrase de « Ce que l'on construit » : ce que dit le tableau du README."""
        texts = iter(self.tokens)
        for token in texts:
            if token.type == "inline" and token.content == "Ce que l'on construit":
                next(texts), next(texts)
                paragraph = next(texts).content.replace("\n", " ")
                return re.split(r"(?<=[.!?])\s+(?=[A-ZÀ-Ý])", paragraph)[0]
        raise ChapterError(f"{self.slug} : il manque « ## Ce que l'on construit ».")

    def headings(self, tag: str) -> list[str]:
        """Renvoie le texte des titres d'un niveau (`h1`, `h2`, `h3`)."""
        return [
            inline.content
            for token, inline in zip(self.tokens, self.tokens[1:], strict=False)
            if token.type == "heading_open" and token.tag == tag
        ]

    @cached_property
    def acts(self) -> list[Act]:
        """Les actes du chapitre, dans l'ordre. Lève ChapterError si une légende est perdue."""
        return list(_acts(self.tokens, self.slug))


def all_steps() -> list[Step]:
    """Renvoie les étapes du parcours, dans l'ordre."""
    return [Step(folder) for folder in sorted((ROOT / "steps").glob("[0-9][0-9]-*"))]


def find_step(number: str) -> Step:
    """Renvoie l'étape nommée `5`, `05` ou `05-consumers` ; lève WorkshopError s'il n'y en a pas."""
    steps = all_steps()
    for step in steps:
        if number in (step.slug, step.slug[:2], str(step.number)):
            return step
    raise WorkshopError(
        f"Il n'y a pas d'étape « {number} ». Choisissez de "
        f"{steps[0].slug[:2]} à {steps[-1].slug[:2]}."
    )


def read_acts(text: str, name: str) -> list[Act]:
    """Renvoie les actes d'un texte écrit comme un chapitre ; `name` le désigne dans les erreurs."""
    return list(_acts(PARSER.parse(text), name))


def _acts(tokens: list[Token], name: str):
    folded = 0
    for i, inline in enumerate(tokens):
        if inline.type == "html_block":
            folded += inline.content.count("<details") - inline.content.count("</details")
        if inline.type != "inline":
            continue
        line = inline.map[0] + 1
        where = f"{name}, ligne {line}"
        rest = tokens[i + 2 :]
        caption = _caption(inline)
        if caption is None:
            if rest and rest[0].type == "fence" and ALMOST_CAPTION.match(inline.content):
                raise ChapterError(
                    f"{where} : « {inline.content} » ressemble à une légende sans en être une. "
                    "Une légende est seule sur sa ligne, tout en gras : **`chemin`** "
                    "ou **Terminal « nom »**."
                )
            continue
        kind, *names = caption
        if tokens[i - 1].type != "paragraph_open" or tokens[i - 1].level or folded:
            raise ChapterError(
                f"{where} : la légende « {inline.content} » est dans une liste, une citation, un "
                "titre ou un bloc replié, où rien n'est rejoué. Sortez-la ou écrivez-la autrement."
            )
        if kind == "delete":
            yield Delete(names[0], line)
        elif kind == "rename":
            yield Rename(names[0], names[1], line)
        elif kind == "stop":
            yield Stop(names[0], line, _announced(rest))
        else:
            given = kind == "path" and _is_given(rest)
            block, after = _block(rest[given:])
            if block is None:
                raise ChapterError(
                    f"{where} : aucun bloc de code ne suit la légende « {inline.content} »."
                )
            if kind == "path" and block.info == "diff":
                yield Patch(names[0], block.content, line, given)
            elif kind == "path":
                yield Write(names[0], block.content, line, given)
            else:
                yield _run(names[0], block, after, line, where)


def _caption(inline: Token):
    """Renvoie la sorte de légende qu'est un paragraphe et ce qu'elle nomme, ou None."""
    text = inline.content.replace("\u00a0", " ")
    for kind, form in FORMS.items():
        if found := form.fullmatch(text):
            return (kind, *found.groups())
    return None


def _is_given(rest: list[Token]) -> bool:
    """Renvoie True si ce qui suit une légende n'est pas la leçon : replié, et « fourni »."""
    return bool(rest) and rest[0].type == "html_block" and "fichier fourni" in rest[0].content


def _block(rest: list[Token]):
    """Renvoie le bloc qui suit une légende et ce qui vient après lui."""
    if rest and rest[0].type == "fence":
        return rest[0], rest[1:]
    return None, rest


def _run(terminal: str, block: Token, after: list[Token], line: int, where: str) -> Run:
    if block.info != "bash":
        raise ChapterError(f"{where} : les commandes d'un terminal sont un bloc `bash`.")
    powershell = []
    if after and after[0].type == "fence" and after[0].info == "powershell":
        powershell = after[0].content.splitlines()
        after = after[1:]
    return Run(terminal, block.content.splitlines(), line, powershell, _announced(after))


def _announced(after: list[Token]) -> str | None:
    """Renvoie le premier bloc `text` qui suit des commandes, avant la légende ou le titre suivant.

    Il peut être replié, sous la question qui le précède.
    """
    for i, token in enumerate(after):
        if token.type == "heading_open":
            return None
        if token.type == "paragraph_open" and _caption(after[i + 1]):
            return None
        if token.type == "fence":
            return token.content if token.info == "text" else None
    return None
