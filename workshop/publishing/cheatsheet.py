"""L'aide-mémoire : ce que les chapitres, le README et le glossaire disent de plus court."""

import itertools
import re
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import Run, Step, all_steps, find_step

EXCERPTS = {
    "le dessin des terminaux": r"^## 1\. Trois terminaux\n.*?(^```\n.*?^```)",
    "la phrase qui les rouvre": r"(Si vous fermez [^.]*\.)",
    "le tableau des réponses": r"^(\| étape \| sans Origin \|.*?)(?=\n\n|\Z)",
    "le tableau des surprises": r"^(\| `client\.py` dit \|.*?)(?=\n\n|\Z)",
    "la rubrique À retenir": r"^## À retenir\n\n(.*?)(?=^## |\Z)",
    "le tableau des commandes": r"^## Les commandes\n\n(.*?^\|.*?)(?=\n\n|\Z)",
    "un mot": r"(^## .*)",
}
ENTRY = re.compile(
    r"(?P<term>.+)\n\n(?:(?P<english>\*.+\*) · )?\[chapitre (?P<number>\d\d)\](?P<link>\(\S+\))\n\n"
    r"(?P<definition>.+?)(?:(?<=[.!?])\s+(?=[A-ZÀ-Ý«`*])|\n\n|\n*\Z)",
    re.S,
)


def cheatsheet() -> str:
    """Renvoie l'aide-mémoire, en Markdown ; lève WorkshopError s'il y manque un extrait."""
    steps = all_steps()
    told = [step for step in steps if "| sans Origin |" in step.chapter.read_text("utf-8")] or steps
    parts = [
        "# Aide-mémoire",
        "Une feuille à garder sous la main, tirée des chapitres, du README et du "
        "[glossaire](GLOSSAIRE.md). À imprimer : [docs/aide-memoire.pdf](docs/aide-memoire.pdf).",
        "## Les trois terminaux",
        terminals(excerpt(steps[0].chapter, "le dessin des terminaux")),
        excerpt(steps[0].chapter, "la phrase qui les rouvre"),
        reopening(steps[0]),
        "## Ce que répond le serveur",
        "Ce que dit `client.py` à la fin de chaque étape, sans en-tête Origin et avec.",
        grouped(excerpt(told[-1].chapter, "le tableau des réponses")),
        "Si la réponse n'est pas celle-là :",
        excerpt(find_step("05").chapter, "le tableau des surprises"),
        "## À retenir",
    ]
    for step in steps:
        link = f"[{step.slug[:2]} · {step.title}](steps/{step.slug}/README.md)"
        parts += [f"### {link}", excerpt(step.chapter, "la rubrique À retenir")]
    parts += ["## Les commandes", excerpt(ROOT / "README.md", "le tableau des commandes")]
    parts += ["## Les mots", words(excerpt(ROOT / "GLOSSAIRE.md", "un mot"))]
    return "\n\n".join(parts) + "\n"


def excerpt(path: Path, what: str) -> str:
    """Renvoie un extrait d'un texte, nommé dans EXCERPTS ; lève WorkshopError s'il n'y est plus."""
    found = re.search(EXCERPTS[what], path.read_text("utf-8"), re.M | re.S)
    if not found:
        where = path.relative_to(ROOT).as_posix()
        raise WorkshopError(f"{where} : l'aide-mémoire n'y trouve plus {what}. Remettez l'extrait.")
    return found[1].strip()


def terminals(drawing: str) -> str:
    """Renvoie en tableau le dessin des terminaux : deux lignes pour le lieu, puis le rôle."""
    lines = [re.findall(r"│ (.*?) *│", line) for line in drawing.splitlines()]
    rows = ["| terminal | où | ce qu'il fait |", "|---|---|---|"]
    for name, *cells in zip(re.findall(r"─ (\w+) ─", drawing), *filter(None, lines), strict=True):
        place, role = ", ".join(filter(None, cells[:2])), " ".join(filter(None, cells[2:]))
        rows.append(f"| **{name}** | {place} | {role} |")
    return "\n".join(rows)


def grouped(answers: str) -> str:
    """Renvoie le tableau des réponses, où une ligne vaut pour toutes les étapes de même réponse."""
    *head, rows = answers.split("\n", 2)
    alike = itertools.groupby(rows.split("\n"), lambda row: row.partition(" | ")[2])
    lines = []
    for answer, (first, *others) in ((key, [*found]) for key, found in alike):
        name = first.partition(" | ")[0]
        if others:
            name = f"| {name[2:4]} à {others[-1][2:4]}"
        lines.append(f"{name} | {answer}")
    return "\n".join([*head, *lines])


def reopening(step: Step) -> str:
    """Renvoie les commandes du terminal « serveur » d'un chapitre, système par système."""
    rows = ["| macOS et Linux | Windows |", "|---|---|"]
    for act in step.acts:
        if isinstance(act, Run) and act.terminal == "serveur":
            pairs = zip(act.commands, act.powershell, strict=True)
            rows += [f"| `{unix}` | `{windows}` |" for unix, windows in pairs]
    return "\n".join(rows)


def words(glossary: str) -> str:
    """Renvoie les mots du glossaire, chacun avec la première phrase de sa définition."""
    lines = []
    for entry in re.split(r"^## ", glossary, flags=re.M)[1:]:
        found = ENTRY.match(entry)
        if not found:
            term = entry.splitlines()[0]
            raise WorkshopError(
                f"GLOSSAIRE.md, « {term} » : sous le titre, il faut une ligne comme « *consumer* · "
                "[chapitre 04](steps/04-routing/README.md) », puis la définition."
            )
        source = ", ".join(filter(None, [found["english"], f"[{found['number']}]{found['link']}"]))
        definition = " ".join(found["definition"].split("\n"))
        lines.append(f"- **{found['term']}** ({source}). {definition}")
    return "\n".join(lines)
