"""Essaie l'atelier avec un CPython pour Windows, sous Wine : ce n'est pas Windows.

`bash tests/windows/python-sous-wine.sh` prépare ce Python. Puis `python3 tests/windows/essais.py`
clone le dépôt dans « Documents\\Atelier été », y tape les commandes d'un apprenant, et dit ce que
chacune a donné. Ni navigateur, ni PowerShell, ni antivirus : ce qui en demande un n'est pas essayé.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WIN = Path(os.environ.get("WIN", "/tmp/win"))
MINUTES = 15


class Atelier:
    """Un clone du dépôt dans le disque C: de Wine, et ce que l'on y tape."""

    def __init__(self):
        users = WIN / "prefix" / "drive_c" / "users"
        user = next(one for one in users.iterdir() if one.name != "Public")
        self.folder = user / "Documents" / "Atelier été"
        self.failed = []

    def clone(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.folder)], check=True)

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(WIN / "netns.sh"), str(WIN / "win.sh"), "python", "atelier.py", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=MINUTES * 60,
        )

    def try_out(self, *arguments: str, wanted: str = "") -> None:
        """Tape une commande, et dit si elle finit bien et dit ce que l'on attend."""
        started = time.monotonic()
        try:
            done = self.run(*arguments)
            said, code = done.stdout + done.stderr, done.returncode
        except subprocess.TimeoutExpired:
            said, code = f"pas de fin après {MINUTES} minutes", "?"
        good = code == 0 and wanted in said
        print(
            f"{'✔' if good else '✘'} {time.monotonic() - started:4.0f} s  {' '.join(arguments)}",
            flush=True,
        )
        if not good:
            self.failed.append(arguments)
            print(f"   code {code}\n" + "\n".join(f"   {line}" for line in said.splitlines()[-15:]))


def main() -> int:
    """Renvoie le nombre de commandes qui ont échoué."""
    atelier = Atelier()
    atelier.clone()
    atelier.try_out("--aide", wanted="Utilisation")
    atelier.try_out("preparer")
    for solution in sorted((ROOT / "solutions").glob("[0-9]*")):
        if solution.name > "02":
            where = f"solutions\\{solution.name}"
            atelier.try_out("verifier", solution.name[:2], "--projet", where)
    atelier.try_out("rattraper", "05", "--oui")
    atelier.try_out("verifier", "04")
    atelier.try_out("rattraper", "--annuler", "--oui")
    atelier.try_out(
        "emporter", "Z:\\tmp\\kit-de-l-atelier", "--systemes", "windows", "--pythons", "3.11"
    )
    left = subprocess.run(["pgrep", "-fa", "python.exe"], capture_output=True, text=True).stdout
    print(f"Processus laissés :\n{left}" if left else "Aucun processus laissé.")
    return len(atelier.failed) + bool(left)


if __name__ == "__main__":
    sys.exit(main())
