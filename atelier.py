"""Lance une commande de l'atelier, dans un environnement qu'il prépare la première fois.

Bibliothèque standard seulement. Ce fichier doit se lire avec un vieux Python (3.6) : c'est lui
qui dit quelle version installer.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "atelier.txt"
OLDEST, NEWEST = (3, 11), (3, 14)


def stamp():
    """Renvoie ce qui doit être vrai de l'environnement : ses paquets et sa place."""
    files = [(ROOT / name).read_text("utf-8") for name in ("requirements.txt", "constraints.txt")]
    return "\n".join([*files, str(ROOT)])


def ready():
    """Renvoie True si l'environnement est complet. Le cachet, écrit en dernier, en fait foi."""
    try:
        return STAMP.read_text("utf-8") == stamp() and PYTHON.exists()
    except OSError:
        return False


def install(*requirements):
    """Installe des fichiers de dépendances dans `.venv`, avec uv s'il est là, sinon avec pip.

    Renvoie True si tout est installé.
    """
    import shutil
    import subprocess

    files = [part for name in requirements for part in ("-r", str(ROOT / name))]
    files += ["-c", str(ROOT / "constraints.txt")]
    uv = shutil.which("uv")
    options = ["-q", "--compile-bytecode", "--python", str(PYTHON)]
    if uv and subprocess.call([uv, "pip", "install", *options, *files]) == 0:
        return True
    if subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL):
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if subprocess.call([str(PYTHON), "-m", "ensurepip"], **silent):
            sys.exit(
                "Ce Python est livré sans pip. Installez-le (sous Debian et Ubuntu : "
                "sudo apt install python3-venv), puis relancez la même commande."
            )
    options = ["-q", "--no-input", "--disable-pip-version-check"]
    return subprocess.call([str(PYTHON), "-m", "pip", "install", *options, *files]) == 0


def prepare():
    """Crée `.venv` à neuf et le remplit. S'arrête avec une phrase si c'est impossible."""
    import venv

    print("Première fois : j'installe les outils de l'atelier (une à deux minutes)…", flush=True)
    try:
        if STAMP.exists():
            STAMP.unlink()
        venv.create(VENV, clear=True, with_pip=False, symlinks=os.name != "nt")
    except OSError as error:
        sys.exit(f"Impossible de créer {VENV} : {error}. Vérifiez les droits et la place libre.")
    if not install("requirements.txt"):
        sys.exit(
            "L'installation n'a pas abouti ; la cause est écrite au-dessus. Vérifiez le réseau "
            "(et le proxy, s'il y en a un), puis relancez la même commande : elle reprendra."
        )
    written = STAMP.with_suffix(".tmp")
    written.write_text(stamp(), "utf-8")
    written.replace(STAMP)


def main():
    version = sys.version_info[:2]
    if version < OLDEST:
        sys.exit(
            "L'atelier demande Python 3.11 ou plus récent ; "
            f"celui-ci est le {version[0]}.{version[1]}. Installez-le depuis "
            "https://www.python.org/downloads/ puis relancez la commande."
        )
    if Path(sys.prefix) != VENV:
        if version > NEWEST:
            print(
                f"Python {version[0]}.{version[1]} est plus récent que ceux que l'atelier connaît"
                " (3.11 à 3.14) : je continue.",
                file=sys.stderr,
            )
        if not ready():
            prepare()
        command = [str(PYTHON), str(ROOT / "atelier.py"), *sys.argv[1:]]
        if os.name != "nt":
            os.execv(command[0], command)
        import subprocess

        sys.exit(subprocess.call(command))
    from workshop.commands import main as run

    run()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrompu. Relancez la même commande quand vous voudrez : elle reprendra.")
