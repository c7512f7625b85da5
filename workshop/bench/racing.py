"""Une course : chaque partant a son serveur, à son tour, autant de fois qu'on le demande."""

import contextlib
import datetime
import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from workshop.basics import ROOT, WorkshopError
from workshop.bench.entrants import Entrant
from workshop.system.processes import project_environment

BURST, SMALL = 1000, 100
LONGEST_SECONDS = 240
VERSIONS = (
    *("Django", "channels", "daphne", "uvicorn", "websockets", "channels_redis"),
    *("autobahn", "Twisted", "uvloop", "picows"),
)


def has_tools() -> bool:
    """Renvoie True si ce que demande une course est installé."""
    return all(map(importlib.util.find_spec, ("picows", "uvicorn")))


def install_tools() -> None:
    """Installe ce que demande une course. Lève WorkshopError si le réseau manque."""
    from workshop.system.installing import install, lock

    with lock():
        install("requirements.txt", "requirements-bench.txt")
    importlib.invalidate_caches()


def processors() -> tuple[int | None, int | None]:
    """Renvoie le processeur du serveur et celui du public, ou deux None si le choix manque."""
    if not hasattr(psutil.Process, "cpu_affinity"):
        return None, None
    allowed = sorted(psutil.Process().cpu_affinity())
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def allow_many_files(number: int) -> None:
    """Demande au système une connexion par membre. Lève WorkshopError s'il refuse."""
    try:
        import resource
    except ImportError:
        # Windows ne compte pas.
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = number + 100
    if soft != resource.RLIM_INFINITY and soft < needed:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        except (OSError, ValueError):
            raise WorkshopError(
                f"Le système n'ouvre que {soft} fichiers par programme, et il en faut {needed}. "
                "Choisissez moins de monde, par --clients."
            ) from None


def machine() -> dict:
    """Renvoie ce qui, de cette machine, change une mesure."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "processors": psutil.cpu_count(),
        "memory_gb": round(memory, 1),
        "python": platform.python_version(),
        "pinned": processors()[0] is not None,
    }


def versions() -> dict[str, str]:
    """Renvoie la version de chaque paquet qui compte, s'il est installé."""
    found = {}
    for name in VERSIONS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def run_races(
    entrants: list[Entrant],
    sizes: list[int],
    repetitions: int,
    command: str,
    say: Callable[[str], None],
    **phases: float,
) -> list[dict]:
    """Court, pour chaque taille de salon, autant de tours que demandé ; renvoie les courses.

    À chaque tour, chaque partant court une fois, sur un serveur neuf : ce que fait le reste de la
    machine tombe sur tous. `phases` règle ce que mesure le public (voir `load.Race`).
    """
    allow_many_files(max(sizes))
    races = []
    with tempfile.TemporaryDirectory(prefix="banc-", ignore_cleanup_errors=True) as made:
        folders = {one.name: one.prepare(Path(made)) for one in entrants}
        for clients in sizes:
            runs, total = [], repetitions * len(entrants)
            for turn in range(repetitions):
                # Chacun part le premier à son tour.
                shift = turn % len(entrants)
                for entrant in entrants[shift:] + entrants[:shift]:
                    say(f"{clients} membres, course {len(runs) + 1} sur {total} : {entrant.title}")
                    found = run_once(entrant, folders[entrant.name], clients, turn, **phases)
                    runs.append({"entrant": entrant.name, "turn": turn, **found})
            races.append(
                {
                    "clients": clients,
                    "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
                    "command": command,
                    "repetitions": repetitions,
                    "machine": machine(),
                    "versions": versions(),
                    "titles": {one.name: one.title for one in entrants},
                    "runs": runs,
                }
            )
    return races


def run_once(entrant: Entrant, folder: Path, clients: int, turn: int, **phases: float) -> dict:
    """Court une fois ; renvoie le résultat du public (voir `load.Result`)."""
    mine, other = processors()
    with entrant.server(folder) as server:
        if mine is not None:
            first = psutil.Process(server.process.pid)
            for process in (first, *first.children()):
                process.cpu_affinity([mine])
        race = {
            "url": server.url,
            "pid": server.process.pid,
            "path": f"/chat/banc-{clients}-{turn}/",
            "clients": clients,
            "says": entrant.says,
            "cpu": other,
            "burst": BURST if clients <= SMALL else 0,
            **phases,
        }
        return _load(race)


def _load(race: dict) -> dict:
    """Lance le public d'une course, et renvoie son résultat."""
    command = [sys.executable, "-m", "workshop.bench.load"]
    environment = project_environment() | {"PYTHONPATH": str(ROOT)}
    public = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        out, errors = public.communicate(json.dumps(race), timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return {"trouble": f"Pas fini en {LONGEST_SECONDS} secondes."}
    finally:
        public.kill()
        public.wait()
    if public.returncode:
        last = (errors.strip() or "(rien)").splitlines()[-1]
        raise WorkshopError(f"Le public de la course s'est arrêté. Python dit : {last}")
    return json.loads(out)


def _processor() -> str:
    """Renvoie le nom du processeur, si le système le dit."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
