"""Fait le kit hors ligne : l'atelier, ses paquets pour d'autres machines, et une page de départ."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from atelier import NEWEST, OLDEST
from workshop.basics import ROOT, WorkshopError
from workshop.project.files import renamed
from workshop.publishing.site import build
from workshop.system import installing

WHEELS, PAGES = installing.KIT.name, "pages"
PYTHONS = ",".join(f"3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1))
LEFT = {".git", ".venv", ".atelier", "live", "carnets", WHEELS, PAGES}
LEFT_ANYWHERE = shutil.ignore_patterns(
    "__pycache__", "*.pyc", ".*_cache", "db.sqlite3", "node_modules", ".ipynb_checkpoints"
)
CONSTRAINTS, TOOLS = ROOT / "constraints.txt", ROOT / "requirements.txt"
BENCH = ROOT / "requirements-bench.txt"
DEADLINE = 600
# Les phrases d'une installation qui ne vont pas à un kit, et les siennes.
CAUSES = {
    installing.NETWORK: (
        "Le réseau ne répond pas, ou trop lentement. Vérifiez la connexion, puis relancez la même "
        "commande : elle recommence le kit, sans télécharger deux fois le même paquet."
    ),
    installing.FULL: (
        "La place manque : il reste {free} Mo dans {root} et {temporary_free} Mo dans {temporary}. "
        "Libérez-en, ou faites un kit pour moins de machines, puis relancez la même commande."
    ),
    installing.RIGHTS: (
        "Le kit ne peut pas s'écrire dans {root}. Vérifiez que vous en avez le droit, et que la "
        "clé n'est pas protégée en écriture, puis relancez la même commande."
    ),
}


@dataclass(frozen=True)
class System:
    """Un système pour lequel on choisit des paquets : ses étiquettes, et ce que disent ses marques.

    `tags` : https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/ ;
    `markers` : https://packaging.python.org/en/latest/specifications/dependency-specifiers/.
    """

    name: str
    tags: tuple[str, ...]
    markers: dict[str, str]


def _system(
    name: str, tags: Iterable[str], os_name: str, sys_platform: str, system: str, machine: str
) -> System:
    names = ("os_name", "sys_platform", "platform_system", "platform_machine")
    values = (os_name, sys_platform, system, machine)
    return System(name, tuple(tags), dict(zip(names, values, strict=True)))


def _linux(machine: str) -> System:
    # De la plus ancienne Debian maintenue aux plus récentes : pip n'étend pas ces étiquettes.
    glibc = ("2_17", "2_24", "2_26", "2_27", "2_28", "2_31")
    tags = [f"manylinux_{version}_{machine}" for version in glibc]
    return _system(
        f"Linux {machine}", [*tags, f"manylinux2014_{machine}"], "posix", "linux", "Linux", machine
    )


def _macos(machine: str) -> System:
    return _system(
        f"macOS {machine}", [f"macosx_14_0_{machine}"], "posix", "darwin", "Darwin", machine
    )


SYSTEMS = {
    "windows": [_system("Windows", ["win_amd64"], "nt", "win32", "Windows", "AMD64")],
    "macos": [_macos("arm64"), _macos("x86_64")],
    "linux": [_linux("x86_64")],
    "linux-arm": [_linux("aarch64")],
}
START = """# L'atelier, sans réseau

Ce dossier contient l'atelier entier et ses paquets, pour {systems}, avec Python {pythons}.

1. **Copiez ce dossier** sur le disque de la machine : l'atelier ne se lance pas depuis la clé.
2. **Regardez votre Python** : `python3 --version`, ou `py --version` sous Windows. Il faut l'une
   des versions ci-dessus. Python n'est pas dans le kit : s'il manque, demandez-le à la personne qui
   anime, ou prenez-le sur <https://www.python.org/downloads/> quand vous avez un réseau.
3. **Ouvrez un terminal** dans la copie (sous Windows : clic droit dans le dossier, puis *Ouvrir
   dans le Terminal*), et préparez la machine :

   ```bash
   python3 atelier.py preparer
   ```

   Sous Windows :

   ```powershell
   py atelier.py preparer
   ```

   Les outils s'installent depuis ce dossier, en une minute ou deux. Une ligne ✔ est bonne ; une
   ligne ✘ dit quoi faire.

4. **Lisez** [le premier chapitre](steps/01-virtualenv/README.md), ou d'abord
   [la présentation](README.md).

Tout se lit hors ligne : chaque texte a sa page à côté de lui. [Le glossaire](GLOSSAIRE.md) et
[l'aide-mémoire](AIDE-MEMOIRE.md) servent à tous les chapitres.
"""

# Celle que l'on ouvre d'un double clic ne fait que mener aux pages.
DOOR = f"""<!doctype html>
<html lang="fr">
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={PAGES}/COMMENCER.html">
<title>L'atelier</title>
<p><a href="{PAGES}/COMMENCER.html">Commencer</a></p>
</html>
"""


def pack(folder: Path, systems: list[str], pythons: list[str], say=print) -> Path:
    """Fait le kit dans `folder`, qui ne doit pas exister, et le renvoie.

    `systems` sont des noms de SYSTEMS, `pythons` des versions comme « 3.12 ». `say` reçoit une
    phrase par étape. Lève WorkshopError si un paquet manque ou si le réseau ne répond pas ; rien
    n'est alors laissé à la place du kit.
    """
    if folder.exists():
        raise WorkshopError(
            f"{folder} existe déjà. Donnez un dossier qui n'existe pas encore, par exemple "
            f"{folder / 'atelier'}"
        )
    if not folder.name:
        raise WorkshopError(
            f"{folder} n'est pas branché. Branchez la clé, puis relancez la commande."
        )
    if ROOT in folder.parents:
        raise WorkshopError(
            f"{folder} est dans l'atelier lui-même. Choisissez un dossier ailleurs, sur la clé par "
            "exemple."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=f"{folder.name}.",
            suffix=".en-cours",
            dir=folder.parent,
            ignore_cleanup_errors=True,
        ) as temporary:
            partial = Path(temporary) / folder.name
            shutil.copytree(ROOT, partial, ignore=_ignored)
            for system in systems:
                for python in pythons:
                    say(f"Paquets pour {system}, Python {python}…")
                    for target in SYSTEMS[system]:
                        download(partial / WHEELS, target, python)
            constraints = partial / CONSTRAINTS.name
            # pip les lit aussi là : la ligne du chapitre 01 trouve le kit sans rien de plus.
            options = f"--no-index\n--find-links {WHEELS}\n"
            constraints.write_text(options + CONSTRAINTS.read_text("utf-8"), "utf-8", newline="\n")
            names = dict.fromkeys(target.name for system in systems for target in SYSTEMS[system])
            start = START.format(systems=", ".join(names), pythons=", ".join(pythons))
            build(partial / PAGES, {"COMMENCER.md": start})
            (partial / "COMMENCER.html").write_text(DOOR, "utf-8", newline="\n")
            return renamed(partial, folder)
    except subprocess.TimeoutExpired:
        raise WorkshopError(
            "Les paquets d'une machine ne sont pas arrivés en 10 minutes. Essayez un réseau plus "
            "rapide, ou moins de machines : --systemes windows --pythons 3.13"
        ) from None
    except OSError as error:
        # `copytree` donne la liste de tout ce qu'il n'a pas pu copier.
        why = error.args[0][0][-1] if isinstance(error, shutil.Error) else error
        raise _failure(str(why), folder) from None


def download(folder: Path, system: System, python: str) -> None:
    """Télécharge dans `folder` les paquets qu'installerait cette version de Python sur ce système.

    pip seul ne sait pas le faire : il juge les marques (« ; sys_platform == 'win32' ») pour la
    machine où il tourne (pypa/pip#11664). Lève WorkshopError si un paquet n'existe pas.
    """
    for full, wanted in wanted_lists(system, python).items():
        done = subprocess.run(
            [
                *installing.pip(sys.executable),
                *("download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-input"),
                *("--dest", str(folder), *wanted),
                *("--python-version", full, "--implementation", "cp"),
                *("--abi", f"cp{python.replace('.', '')}"),
                *(part for tag in system.tags for part in ("--platform", tag)),
            ],
            env=installing.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=DEADLINE,
        )
        if missing := re.search(r"No matching distribution found for (\S+)", done.stderr):
            raise WorkshopError(
                f"L'index des paquets n'a pas {missing[1]} pour {system.name} et Python {python}. "
                "Faites un kit sans cette version (--pythons 3.12,3.13, par exemple) ou sans ce "
                "système (--systemes windows, par exemple)."
            )
        if done.returncode:
            raise _failure(done.stderr, folder)


def wanted_lists(system: System, python: str) -> dict[str, list[str]]:
    """Renvoie, par version complète, les paquets (« nom==version ») d'un système et d'un Python.

    Il y a deux listes quand une marque distingue les premières corrections d'une version des
    dernières (3.11.0, 3.11.99) : une machine peut avoir les unes ou les autres.
    """
    lists = {}
    needed = _needed()
    for full in (f"{python}.99", f"{python}.0"):
        environment = system.markers | {"python_version": python, "python_full_version": full}
        environment |= {"implementation_name": "cpython"}
        wanted = [
            f"{one.name}{one.specifier}"
            for one in requirements(CONSTRAINTS)
            if (one.marker.evaluate(environment) if one.marker else one.name in needed)
        ]
        if wanted not in lists.values():
            lists[full] = wanted
    return lists


def size(folder: Path) -> int:
    """Renvoie la taille d'un dossier, en mégaoctets."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1_000_000


def requirements(path: Path) -> Iterator[Requirement]:
    """Donne les paquets que nomme un fichier de dépendances."""
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "-")):
            yield Requirement(line)


def _needed() -> set[str]:
    """Renvoie les paquets de l'atelier et de son banc ici, dépendances comprises.

    Ceux que seuls les auteurs installent n'en sont pas. Un paquet propre à un autre système n'en
    est pas non plus : lui a une marque dans constraints.txt.
    """
    found, left = set(), [*requirements(TOOLS), *requirements(BENCH)]
    while left:
        one = left.pop()
        name = canonicalize_name(one.name)
        for extra in ("", *one.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                for need in map(Requirement, metadata.requires(name) or ()):
                    if not need.marker or need.marker.evaluate({"extra": extra}):
                        left.append(need)
    return {name for name, _ in found}


def _failure(text: str, folder: Path) -> WorkshopError:
    """Renvoie l'erreur qui dit pourquoi le kit ne se fait pas, d'après ce qui s'est écrit."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), ROOT)
    words = installing.cause(text, there)
    return WorkshopError(
        installing.sentence(CAUSES.get(words, words), installing.last_line(text), there)
    )


def _ignored(folder: str, names: list[str]) -> set[str]:
    left = LEFT_ANYWHERE(folder, names)
    return left | LEFT.intersection(names) if Path(folder) == ROOT else left
