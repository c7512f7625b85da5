"""Ce que fait `construire` : les solutions, des parties de textes, l'aide-mémoire, les images."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.bench import results
from workshop.browsers.finding import MissingTool
from workshop.chapters import schedule
from workshop.chapters.replay import replay
from workshop.chapters.steps import Step, all_steps, find_step
from workshop.project.files import LEFT_BY_RUNS, copied
from workshop.publishing.cheatsheet import cheatsheet
from workshop.publishing.faults import faults
from workshop.publishing.marp import make_deck
from workshop.publishing.notebooks import make as make_notebook
from workshop.publishing.pictures import print_cheatsheet, take_chat, take_console
from workshop.publishing.slides import decks

CHAT = ("05", "chat/consumers.py")
RECORD = "docs/sources.json"
HERE = "workshop/publishing"


@dataclass(frozen=True)
class Product:
    """Un fichier dont les octets dépendent de la machine qui le fait.

    `make` l'écrit au chemin donné, ou lève MissingTool. Il est à jour tant que ni ses sources ni
    lui n'ont changé depuis.
    """

    path: str
    make: Callable[[Path], None]
    sources: tuple[str, ...]


def _notebook(step: Step) -> Product:
    """Renvoie le carnet d'une étape : sa source s'exécute contre la solution."""
    files = sorted(copied(step.solution))
    return Product(
        f"notebooks/{step.slug}.ipynb",
        partial(make_notebook, step.slug),
        (
            f"steps/{step.slug}/notebook.py",
            f"{HERE}/kernel.py",
            *(path.relative_to(ROOT).as_posix() for path in files),
        ),
    )


def _deck(deck: Path) -> Product:
    """Renvoie la page d'un jeu de diapositives, images comprises."""
    images = sorted(set(re.findall(r"\]\((img/[^)]+)\)", deck.read_text("utf-8"))))
    written = ("theme.css", "clock.js", "marp.config.mjs", "package-lock.json", deck.name, *images)
    return Product(
        f"slides/html/{deck.stem}.html",
        make_deck,
        (f"{HERE}/marp.py", *(f"slides/{name}" for name in written)),
    )


CONSUMERS = "solutions/06-console/chat/consumers.py"
PICTURES = f"{HERE}/pictures.py"
PAGES = (f"{HERE}/pages.py", f"{HERE}/page.html", f"{HERE}/cheatsheet.css")
PRODUCTS = [
    Product("docs/chat.png", take_chat, (PICTURES, "workshop/demo/page.html", CONSUMERS)),
    Product(
        "docs/console.png", take_console, (PICTURES, CONSUMERS, "solutions/06-console/console.js")
    ),
    Product("docs/aide-memoire.pdf", print_cheatsheet, (PICTURES, *PAGES, "AIDE-MEMOIRE.md")),
    *map(_notebook, all_steps()),
    *map(_deck, decks()),
]


@contextmanager
def fresh() -> Iterator[Path]:
    """Donne un dossier temporaire où ce qui se compare octet par octet vient d'être refait."""
    with tempfile.TemporaryDirectory() as folder:
        root, project = Path(folder) / "made", Path(folder) / "live"
        project.mkdir()
        for step in all_steps():
            replay(step, project)
            shutil.copytree(project, root / "solutions" / step.slug)
        for name, parts in marked_parts(root / "solutions").items():
            (root / name).write_text(with_parts(name, parts), "utf-8", newline="\n")
        for name, text in {
            "AIDE-MEMOIRE.md": cheatsheet(),
            "FAUTES.md": faults(),
            **bench(),
        }.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text, "utf-8", newline="\n")
        yield root


def stale() -> list[str]:
    """Renvoie le chemin de chaque fichier fait qui n'est plus celui que ses sources font."""
    with fresh() as made:
        return _different(made) + [product.path for product in _outdated(made)]


def rebuild() -> tuple[list[str], dict[str, str]]:
    """Refait ce qui est périmé.

    Renvoie les chemins qui ont changé, et ceux que l'on laisse, chacun avec l'outil qui manque.
    """
    with fresh() as made:
        changed, left = _different(made), {}
        for path in changed:
            if (made / path).exists():
                (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(made / path, ROOT / path)
            else:
                (ROOT / path).unlink()
        for product in _outdated(made):
            try:
                product.make(ROOT / product.path)
            except MissingTool as error:
                left[product.path] = str(error)
            else:
                _record(product, made)
                changed.append(product.path)
    return changed, left


def marked_parts(solutions: Path) -> dict[str, dict[str, str]]:
    """Renvoie, par texte écrit à la main, ce que l'on y fait : chaque partie, par sa marque."""
    return {
        "README.md": {"parcours": table(), "consommateur": chat(solutions)},
        "ANIMER.md": {mark: schedule.table(plan) for mark, plan in schedule.PLANS.items()},
        "CONTRIBUER.md": {"gestes": schedule.counts()},
    }


def with_parts(name: str, parts: dict[str, str]) -> str:
    """Renvoie un texte du dépôt avec ses parties marquées, refaites.

    Lève WorkshopError si les marques de l'une d'elles manquent.
    """
    text = (ROOT / name).read_text("utf-8")
    for mark, part in parts.items():
        marked = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.S)
        text, found = marked.subn(
            lambda marks, part=part: f"{marks[1]}\n{part}\n\n{marks[2]}", text
        )
        if found != 1:
            raise WorkshopError(
                f"{name} : il manque les marques <!-- {mark} --> et <!-- /{mark} -->."
            )
    return text


def bench() -> dict[str, str]:
    """Renvoie la page et les dessins du banc, par chemin."""
    races = results.load()
    drawings = {f"docs/{name}": text for name, text in results.drawings(races).items()}
    return drawings | ({"docs/banc.md": results.markdown(races)} if races else {})


def table() -> str:
    """Renvoie le tableau des étapes, et leur durée en tout."""
    steps = all_steps()
    rows = ["| étape | minutes | ce que l'on construit |", "|---|--:|---|"]
    for step in steps:
        rows.append(
            f"| [{step.slug[:2]} · {step.title}](steps/{step.slug}/README.md) | {step.minutes} "
            f"| {step.summary} [Solution](solutions/{step.slug}) |"
        )
    hours, minutes = divmod(sum(step.minutes for step in steps), 60)
    return "\n".join([*rows, "", f"En tout : {hours}\u00a0h\u00a0{minutes:02}, sans les pauses."])


def chat(solutions: Path) -> str:
    """Renvoie le consommateur du chapitre 05, puis sa forme de 2016, tels qu'il les donne."""
    number, path = CHAT
    step = find_step(number)
    today = (solutions / step.slug / path).read_text("utf-8")
    titles = iter(step.tokens)
    next(token for token in titles if token.type == "inline" and token.content == "En 2016")
    then = next(token.content for token in titles if token.type == "fence")
    return (
        f"```python\n{today}```\n\nLe même, dans la langue de la première génération de Channels, "
        f"celle de l'article de 2016 :\n\n```python\n{then}```"
    )


def _different(made: Path) -> list[str]:
    """Renvoie les chemins de ce qui, dans le dépôt, diffère de ce qui vient d'être fait."""
    new, kept = _tree(made), _tree(ROOT)
    return sorted(path for path in new.keys() | kept.keys() if new.get(path) != kept.get(path))


def _tree(root: Path) -> dict[str, bytes]:
    """Renvoie le contenu de chaque fichier fait octet par octet, par chemin relatif."""
    solutions = root / "solutions"
    texts = ("README.md", "ANIMER.md", "CONTRIBUER.md", "AIDE-MEMOIRE.md", "FAUTES.md")
    made = [root / "docs" / "banc.md", *root.glob("docs/bench-*.svg")]
    files = [*(root / name for name in texts), *made, *solutions.rglob("*")]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in filter(Path.is_file, files)
        if path != solutions / "README.md" and not LEFT_BY_RUNS & set(path.relative_to(root).parts)
    }


def _outdated(made: Path) -> list[Product]:
    """Renvoie ceux dont l'empreinte n'est plus celle que l'on a notée."""
    noted = _recorded()
    return [one for one in PRODUCTS if noted.get(one.path) != _fingerprint(one, made)]


def _fingerprint(product: Product, made: Path) -> str:
    """Renvoie l'empreinte d'un fichier et de ses sources, dont celles que `made` vient de faire."""
    digest = sha256()
    for path in (product.path, *product.sources):
        source = made / path if (made / path).exists() else ROOT / path
        digest.update(source.read_bytes() if source.exists() else b"absent")
    return digest.hexdigest()


def _record(product: Product, made: Path) -> None:
    """Note l'empreinte d'un fichier que l'on vient de faire ; oublie ceux que l'on ne fait plus."""
    names = {one.path for one in PRODUCTS}
    kept = {path: digest for path, digest in _recorded().items() if path in names}
    recorded = kept | {product.path: _fingerprint(product, made)}
    text = json.dumps(recorded, indent=2, sort_keys=True) + "\n"
    (ROOT / RECORD).write_text(text, "utf-8", newline="\n")


def _recorded() -> dict[str, str]:
    record = ROOT / RECORD
    return json.loads(record.read_text("utf-8")) if record.exists() else {}
