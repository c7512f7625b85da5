"""Essaie l'atelier avec un CPython pour Windows, sous Wine : ce n'est pas Windows.

`bash tests/windows/python-sous-wine.sh` prépare ce Python. Puis `python3 tests/windows/essais.py`
clone le dépôt dans « Documents\\Atelier été », y tape les commandes d'un apprenant, et dit ce que
chacune a donné. Avec des mots, comme « verifier 13 », seulement celles où ils sont tous : le clone
est alors gardé. Ni navigateur, ni PowerShell, ni antivirus : ce qui en demande un n'est pas essayé.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WIN = Path(os.environ.get("WIN", "/tmp/win"))
MINUTES = 15


class Atelier:
    """Un clone du dépôt dans le disque de Wine, et ce que l'on y tape."""

    def __init__(self, words: list[str]):
        self.words = words
        users = WIN / "prefix" / "drive_c" / "users"
        user = next(one for one in users.iterdir() if one.name != "Public")
        self.folder = user / "Documents" / "Atelier été"
        self.failed = []

    def clone(self) -> None:
        """Clone le dépôt ; si l'on a choisi des commandes, il reste tel qu'il est."""
        if self.words and self.folder.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.folder)], check=True)

    def run(self, *arguments: str, network: bool) -> subprocess.CompletedProcess:
        # Wine rend tard un port qui vient de servir, sauf dans un réseau à lui.
        alone = [] if network else [str(WIN / "netns.sh")]
        return subprocess.run(
            [*alone, str(WIN / "win.sh"), "python", "atelier.py", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=MINUTES * 60,
        )

    def try_out(
        self, *arguments: str, wanted: str = "", code: int = 0, network: bool = False
    ) -> None:
        """Tape une commande, et dit si elle finit ainsi, en disant ce que l'on attend."""
        if not self.chosen(arguments):
            return
        started = time.monotonic()
        try:
            done = self.run(*arguments, network=network)
            said, ended = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired:
            said, ended = f"pas de fin après {MINUTES} minutes", "?"
        good = ended == code and wanted in said
        self.report(good, started, arguments, ended, said)

    def serve(self, *arguments: str) -> None:
        """Tape une commande qui sert une page, la demande, puis tue le premier processus."""
        if not self.chosen(arguments):
            return
        started = time.monotonic()
        before = set(processes())
        server = subprocess.Popen(
            [str(WIN / "win.sh"), "python", "atelier.py", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        said, status, left = [], None, []

        def read() -> None:
            for line in server.stdout:
                said.append(line)

        reading = threading.Thread(target=read, daemon=True)
        reading.start()
        deadline = time.monotonic() + MINUTES * 60
        while reading.is_alive() and time.monotonic() < deadline:
            if found := re.search(r"http://127\.0\.0\.1:\d+\S*", "".join([*said])):
                status = urllib.request.urlopen(found[0], timeout=60).status
                break
            time.sleep(0.2)
        # Comme le gestionnaire des tâches : sans préavis, et lui seul.
        if mine := sorted(set(processes()) - before):
            os.kill(mine[0], signal.SIGKILL)
            deadline = time.monotonic() + 10
            while (left := sorted(set(processes()) - before)) and time.monotonic() < deadline:
                time.sleep(0.2)
        good = status == 200 and bool(mine) and not left
        self.report(good, started, arguments, status, f"{''.join(said)}\nlaissés : {left}")

    def chosen(self, arguments: tuple[str, ...]) -> bool:
        return all(word in arguments for word in self.words)

    def report(self, good: bool, started: float, arguments, ended, said: str) -> None:
        """Dit ce qu'une commande a donné."""
        print(
            f"{'✔' if good else '✘'} {time.monotonic() - started:4.0f} s  {' '.join(arguments)}",
            flush=True,
        )
        if not good:
            self.failed.append(arguments)
            print(
                f"   code {ended}\n" + "\n".join(f"   {line}" for line in said.splitlines()[-15:])
            )


def processes() -> list[int]:
    """Renvoie les processus des Python de Wine, du plus ancien au plus récent."""
    found = subprocess.run(
        ["pgrep", "-f", r"python\.exe .*(atelier\.py|workshop|manage\.py)"],
        capture_output=True,
        text=True,
    )
    return [int(one) for one in found.stdout.split()]


def main() -> int:
    """Renvoie le nombre de commandes qui ont échoué."""
    atelier = Atelier(sys.argv[1:])
    atelier.clone()
    atelier.try_out("--aide", wanted="Utilisation", network=True)
    # Sans navigateur, c'est la seule ligne que « preparer » a le droit de revoir.
    atelier.try_out("preparer", wanted="à revoir : navigateur", code=1, network=True)
    for solution in sorted((ROOT / "solutions").glob("[0-9]*")):
        number = solution.name[:2]
        if number > "01":
            # De 06 à 12, un but demande un navigateur : il n'est pas vérifié, et le code est 2.
            seen = "05" < number < "13"
            where = f"solutions\\{solution.name}"
            atelier.try_out("verifier", number, "--projet", where, code=2 if seen else 0)
    atelier.try_out("rattraper", "05", "--oui", network=True)
    atelier.try_out("verifier", "04")
    atelier.try_out("rattraper", "--annuler", "--oui")
    kit = ("--systemes", "windows", "--pythons", "3.11")
    atelier.try_out("emporter", str(Path("Z:/tmp/kit-de-l-atelier")), *kit, network=True)
    atelier.serve("demo", "05", "--sans-navigateur")
    atelier.serve("carnets", "05", "--sans-navigateur")
    return len(atelier.failed)


if __name__ == "__main__":
    sys.exit(main())
