"""Les pages que Sphinx fait des textes : celles de `lire`, du kit et du site public."""

import io
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from unicodedata import normalize

from sphinx.application import Sphinx
from sphinx.search.fr import SearchFrench
from sphinx.util.docutils import docutils_namespace, patch_docutils

from workshop.basics import ROOT, WorkshopError
from workshop.chapters.steps import all_steps

THEME = Path(__file__).with_name("theme")
TEXTS = ("*.md", "docs/*.md", "slides/README.md", "solutions/README.md", "steps/*/README.md")
# Les dossiers où les textes prennent leurs images et leurs fichiers, ou qu'ils montrent.
FOLDERS = ("docs", "slides/img", "steps", "tests/windows")
AROUND = ("GLOSSAIRE", "AIDE-MEMOIRE", "FAUTES", "ANIMER", "CONTRIBUER", "LICENCE-TEXTES")
AROUND += ("docs/banc", "slides/README", "solutions/README", "notebooks/README")
SETTINGS = {
    "extensions": ["myst_parser"],
    "myst_heading_anchors": 6,
    "root_doc": "README",
    "project": "L'atelier",
    "language": "fr",
    "html_title": "L'atelier",
    "html_theme": THEME.name,
    "html_theme_path": [str(THEME.parent)],
    "html_search_language": "fr",
    "html_copy_source": False,
    "html_use_index": False,
    "html_permalinks": False,
    # Nos tirets et nos guillemets sont déjà les bons.
    "smartquotes": False,
    "highlight_language": "text",
    # Une sortie coupée par « … », un langage que Pygments ne sait pas lire : le texte reste nu.
    "suppress_warnings": ["misc.highlighting_failure"],
}
# Une page que l'on fait d'un dossier n'a ni avant ni après, et ne se cherche pas.
APART = "---\norphan: true\nnosearch: true\n---\n\n"
FOLDER_LINK = re.compile(r"(\]\((?!\w+:|#)([^)#\s]+?))/?(?=\))")

EMPTY_HEAD = re.compile(r'<th class="head[^"]*"><p></p></th>')
COLOR = re.compile(r"\x1b\[[\d;]*m")


class French(SearchFrench):
    """Le français de Sphinx, où une lettre vaut la même sans son accent : voyez search.js."""

    stopwords = frozenset(SearchFrench.stopwords)

    def stem(self, word: str) -> str:
        # Seule, la racine de « connexions » ne serait pas celle de « connexion ».
        return super().stem(plain(word).removesuffix("s"))

    def word_filter(self, word: str) -> bool:
        # Un nombre aussi : c'est « 403 » que l'on cherche.
        return word not in self.stopwords


def plain(word: str) -> str:
    """Renvoie un mot sans ses accents."""
    return re.sub(r"[\u0300-\u036f]", "", normalize("NFKD", word))


French.stopwords |= {plain(word) for word in French.stopwords}


def build(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """Fait les pages dans `folder`, à la place de celles qui y sont.

    Renvoie ce dont Sphinx avertit. `more` sont des textes en plus, par nom de fichier. Lève
    WorkshopError si `folder` contient autre chose que des pages.
    """
    if folder.exists() and not (folder / "searchindex.js").is_file() and any(folder.iterdir()):
        raise WorkshopError(
            f"{folder} contient autre chose que des pages. Donnez un dossier qui n'existe pas "
            "encore."
        )
    with tempfile.TemporaryDirectory(prefix="pages.", ignore_cleanup_errors=True) as temporary:
        texts, made = Path(temporary, "textes"), Path(temporary, "pages")
        _write_texts(texts)
        for name, text in more.items():
            (texts / name).write_text(f"---\norphan: true\n---\n\n{text}", "utf-8")
        said = io.StringIO()
        with patch_docutils(), docutils_namespace():
            sphinx = Sphinx(texts, None, made, Path(temporary, "lus"), "html", SETTINGS, None, said)
            sphinx.add_search_language(French)
            sphinx.connect("html-page-context", _add_context)
            sphinx.build()
        shutil.copyfile(made / "README.html", made / "index.html")
        shutil.copytree(ROOT / "slides" / "html", made / "slides" / "html")
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(made, folder)
    return [COLOR.sub("", line).replace(str(texts), "") for line in said.getvalue().splitlines()]


def sources() -> list[Path]:
    """Renvoie les fichiers dont les pages sont faites."""
    found = [path for pattern in TEXTS for path in ROOT.glob(pattern)]
    folders = (*FOLDERS, "notebooks", "slides/html", "solutions", THEME.relative_to(ROOT))
    for folder in folders:
        found += [path for path in (ROOT / folder).rglob("*") if path.suffix != ".pyc"]
    return sorted(filter(Path.is_file, {*found, Path(__file__)}))


def _write_texts(folder: Path) -> None:
    """Écrit ce que Sphinx va lire : les textes, leurs images, et une page pour chaque dossier."""
    ignored = shutil.ignore_patterns("__pycache__", "mutants", "*.pyc")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    for path in (path for pattern in TEXTS for path in ROOT.glob(pattern)):
        written = folder / path.relative_to(ROOT)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(_to_pages(path), "utf-8")
    for project in [ROOT / "tests" / "windows", *(ROOT / "solutions").glob("*/")]:
        page = folder / project.relative_to(ROOT) / "README.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(APART + _shown(project), "utf-8")
    links = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = folder / "notebooks" / f"{path.stem}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(APART + _notebook(path), "utf-8")
        links.append(f"- [{path.stem}]({page.name})")
    index = "\n".join(["# Les carnets, exécutés\n", *links])
    (folder / "notebooks" / "README.md").write_text(index, "utf-8")
    with (folder / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("\n".join(["", "```{toctree}", ":hidden:", "", *_pages(folder), "```"]))


def _to_pages(path: Path) -> str:
    """Renvoie un texte dont les liens vers un dossier, ou un carnet, mènent à sa page."""

    def led(link: re.Match) -> str:
        if (path.parent / link[2]).is_dir():
            return f"{link[1]}/README.md"
        return f"{link[1].removesuffix('.ipynb')}.md" if link[1].endswith(".ipynb") else link[1]

    return FOLDER_LINK.sub(led, path.read_text("utf-8"))


def _pages(folder: Path) -> list[str]:
    """Renvoie les pages que fait ce dossier de textes, dans l'ordre où elles se suivent."""
    pages = [*(f"steps/{step.slug}/README" for step in all_steps()), *AROUND]
    return [one for one in pages if (folder / f"{one}.md").is_file()]


def _shown(project: Path) -> str:
    """Renvoie la page d'un dossier : chacun de ses textes, sous son nom."""
    blocks = [f"# {project.relative_to(ROOT).as_posix()}"]
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        if path.is_file() and "__pycache__" not in name and path.suffix != ".sqlite3":
            language = {".py": "python", ".html": "html+django"}.get(path.suffix, path.suffix[1:])
            text = path.read_text("utf-8").rstrip("\n")
            blocks.append(
                f"## {name}\n\n````{language}\n{text}\n````" if text else f"## {name}\n\nVide."
            )
    return "\n\n".join(blocks) + "\n"


def _notebook(path: Path) -> str:
    """Renvoie le texte d'un carnet : sa prose, ses cellules, et ce qu'elles ont écrit."""
    parts = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"````python\n{source}\n````")
        for output in cell.get("outputs", ()):
            lines = output.get("text") or output.get("data", {}).get("text/plain", ())
            parts.append(f"````text\n{''.join(lines).rstrip()}\n````")
    return "\n\n".join(parts) + "\n"


def _add_context(sphinx: Sphinx, name: str, template: str, context: dict, tree) -> None:
    """Donne à une page le menu et, si c'est celle d'un chapitre, son carnet et ses diapositives."""
    # Le coin vide d'un tableau n'est pas un titre, pour qui l'entend lire.
    context["body"] = EMPTY_HEAD.sub("<td></td>", context.get("body", ""))
    titles = sphinx.env.titles
    context["menu"] = [
        (one, titles[one].astext()) for one in ("README", *_pages(Path(sphinx.srcdir)))
    ]
    slug = name.split("/")[1] if name.startswith("steps/") else ""
    context["deck"] = slug if (ROOT / "slides" / "html" / f"{slug}.html").is_file() else ""
    context["notebook"] = slug if (ROOT / "notebooks" / f"{slug}.ipynb").is_file() else ""
