"""Ce que des courses ont donné : où on le garde, ses médianes, ses tableaux, ses dessins."""

import json
import statistics
from pathlib import Path

from workshop.basics import ROOT, WorkshopError
from workshop.drawing.bars import bars, shown

KEPT = ROOT / "docs" / "bench.json"
BASE = "tutoriel-daphne"
# Près de 1, c'est le public qui n'allait pas plus vite.
BUSY = 0.9
COLUMNS = (
    ("messages livrés/s", "rate"),
    ("µs de processeur par message livré", "cpu_us"),
    ("délai médian, ms", "p50_ms"),
    ("p99, ms", "p99_ms"),
    ("Ko par connexion", "memory_kb"),
    ("perdu d'une rafale", "burst_lost"),
)

INTRODUCTION = """\
# Le banc

Cette page est *faite* de [bench.json](bench.json), que remplit `python3 atelier.py banc --garder`.
Chaque chat court sur un serveur neuf, à son tour, et l'on garde la médiane. Tous les membres sont
dans un salon et parlent à tour de rôle : seize messages en route pour le débit et le processeur
(celui du serveur seul, que lit psutil ; Redis n'y est pas), cinq messages par seconde pour les
délais, mille d'un coup pour la rafale, dont on compte ce qui n'est pas venu en direct. « ≥ » : le
public n'allait pas plus vite. Un chat du tutoriel n'a ni histoire, ni limites."""


def medians(race: dict) -> dict[str, dict[str, float]]:
    """Renvoie, par partant, la médiane de chaque mesure ; celles que rien n'a données manquent."""
    found = {}
    for name in race["titles"]:
        runs = [run for run in race["runs"] if run["entrant"] == name]
        values = {
            measure: [run[measure] for run in runs if run.get(measure) is not None]
            for measure in (*(measure for _, measure in COLUMNS), "busy")
        }
        found[name] = {key: statistics.median(known) for key, known in values.items() if known}
    return found


def load(path: Path = KEPT) -> list[dict]:
    """Renvoie les courses gardées, de la plus petite à la plus grande."""
    return json.loads(path.read_text("utf-8")) if path.exists() else []


def keep(races: list[dict], path: Path = KEPT) -> None:
    """Garde des courses, à la place de celles qui avaient autant de membres."""
    new = {race["clients"]: race for race in races}
    kept = [race for race in load(path) if race["clients"] not in new]
    ordered = sorted([*kept, *new.values()], key=lambda race: race["clients"])
    try:
        path.write_text(
            json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8", newline="\n"
        )
    except OSError as error:
        raise WorkshopError(f"Les résultats ne s'écrivent pas : {error}") from None


def cell(measure: str, found: dict[str, float]) -> str:
    """Renvoie une mesure, lisible dans un tableau."""
    if measure not in found:
        return "—"
    if measure == "burst_lost":
        return "rien" if found[measure] == 0 else f"{shown(100 * found[measure])} %"
    at_least = measure == "rate" and found.get("busy", 0) > BUSY
    return ("≥ " if at_least else "") + shown(max(found[measure], 0))


def rows(race: dict) -> list[list[str]]:
    """Renvoie le tableau d'une course : ses titres, puis une ligne par partant."""
    found = medians(race)
    base = found.get(BASE, {}).get("cpu_us")
    header = ["chat et serveur", *(title for title, _ in COLUMNS)]
    lines = [[*header[:3], "fois moins que le tutoriel", *header[3:]]]
    for name, title in race["titles"].items():
        cells = [cell(measure, found[name]) for _, measure in COLUMNS]
        cpu = found[name].get("cpu_us")
        less = shown(base / cpu) if base and cpu else "—"
        lines.append([title, *cells[:2], less, *cells[2:]])
    return lines


def troubles(race: dict) -> list[str]:
    """Renvoie ce qui a empêché une mesure, une phrase par partant et par cause."""
    titles = race["titles"]
    said = {(run["entrant"], run["trouble"]): None for run in race["runs"] if run.get("trouble")}
    sentences = [f"{titles[name]} : {trouble}" for name, trouble in said]
    for name, title in titles.items():
        refused = max(run.get("refused", 0) for run in race["runs"] if run["entrant"] == name)
        if refused:
            sentences.append(f"{title} : le chat a refusé {refused} messages, par ses limites.")
    return sentences


def source(race: dict) -> list[str]:
    """Renvoie d'où viennent des mesures : la machine, les versions, le jour et la commande."""
    machine, versions = race["machine"], race["versions"]
    pinned = "" if machine["pinned"] else ", sans processeurs séparés"
    return [
        f"{machine['processors']} × {machine['processor']}, {machine['memory_gb']:g} Go, "
        f"{machine['system']}, Python {machine['python']}{pinned}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"{race['date'][:10]}, médianes de {race['repetitions']}, {race['command']}",
    ]


def markdown(races: list[dict]) -> str:
    """Renvoie la page des résultats : un tableau par taille de salon, et d'où il vient."""
    parts = [INTRODUCTION]
    for race in races:
        lines = rows(race)
        table = ["| " + " | ".join(line) + " |" for line in lines]
        table.insert(1, "|---" + "|--:" * (len(lines[0]) - 1) + "|")
        parts += [f"## {race['clients']} membres", "\n".join(table)]
        parts += ["\n".join(f"- {words}" for words in troubles(race))] if troubles(race) else []
        parts += ["  \n".join(f"*{words}*" for words in source(race))]
    return "\n\n".join(parts) + "\n"


def drawings(races: list[dict]) -> dict[str, str]:
    """Renvoie les dessins des résultats, par nom de fichier."""
    if not races:
        return {}
    made = {
        "bench-cpu.svg": ("Ce que coûte un message livré", "µs de processeur du serveur", "cpu_us"),
        "bench-rate.svg": ("Ce qui est livré", "messages par seconde", "rate"),
        "bench-delay.svg": ("Le délai de 99 messages sur 100", "millisecondes", "p99_ms"),
    }
    note = list(dict.fromkeys(words for race in races for words in source(race)))
    found = {}
    for file, (title, unit, measure) in made.items():
        groups = {}
        for race in races:
            values = medians(race)
            groups[f"{race['clients']} membres"] = {
                race["titles"][name]: values[name][measure]
                for name in race["titles"]
                if values[name].get(measure)
            }
        if groups := {name: group for name, group in groups.items() if group}:
            found[file] = bars(title, unit, groups, note)
    return found
