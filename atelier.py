"""Lance une commande de l'atelier, dans un environnement qu'il prépare la première fois.

Bibliothèque standard seulement. Ce fichier doit se lire avec un vieux Python (3.6) : c'est lui
qui dit quelle version installer. Il tourne à chaque commande : il n'importe que le nécessaire.
"""

import os
import sys

ROOT = os.path.dirname(os.path.realpath(__file__))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")))
STAMP = os.path.join(VENV, "atelier.txt")
OLDEST, NEWEST = (3, 11), (3, 14)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def stamp():
    """Renvoie ce qui doit être vrai de l'environnement : ses paquets et sa place."""
    files = ("requirements.txt", "constraints.txt")
    return "\n".join([*(read(os.path.join(ROOT, name)) for name in files), ROOT])


def ready():
    """Renvoie True si l'environnement est complet. Le cachet, écrit en dernier, en fait foi."""
    try:
        return read(STAMP) == stamp() and os.path.exists(PYTHON)
    except OSError:
        return False


def run(*command, **options):
    """Renvoie le code de sortie d'une commande, qui hérite du verrou de l'installation."""
    import subprocess

    return subprocess.call(command, close_fds=False, **{"stdout": sys.stderr, **options})


def install(*requirements):
    """Installe des fichiers de dépendances dans `.venv`, avec uv s'il est là, sinon avec pip.

    Renvoie True si tout est installé.
    """
    import shutil

    files = [part for name in requirements for part in ("-r", os.path.join(ROOT, name))]
    files += ["-c", os.path.join(ROOT, "constraints.txt")]
    uv = shutil.which("uv")
    options = ["-q", "--compile-bytecode", "--python", PYTHON]
    if uv and run(uv, "pip", "install", *options, *files) == 0:
        return True
    with open(os.devnull, "w") as silence:
        has_pip = run(PYTHON, "-c", "import pip", stderr=silence) == 0
        if not has_pip and run(PYTHON, "-m", "ensurepip", stdout=silence, stderr=silence):
            sys.exit(
                "Ce Python est livré sans pip. Installez-le (sous Debian et Ubuntu : "
                "sudo apt install python3-venv), puis relancez la même commande."
            )
    options = ["-q", "--no-input", "--disable-pip-version-check"]
    return run(PYTHON, "-m", "pip", "install", *options, *files) == 0


def lock():
    """Renvoie un fichier verrouillé jusqu'à sa fermeture : une installation à la fois."""
    folder = os.path.join(ROOT, ".atelier")
    os.makedirs(folder, exist_ok=True)
    file = open(os.path.join(folder, "install.lock"), "w")  # noqa: SIM115
    if os.name != "nt":
        import fcntl

        # Le pip d'un lanceur tué écrit encore : il hérite du verrou et le tient jusqu'à sa fin.
        os.set_inheritable(file.fileno(), True)
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def prepare():
    """Crée `.venv` à neuf et le remplit. S'arrête avec une phrase si c'est impossible."""
    import venv

    # Sur la sortie d'erreur : la sortie standard est à la commande, et peut être du JSON.
    message = "Première fois : j'installe les outils de l'atelier (une à deux minutes)…"
    print(message, file=sys.stderr, flush=True)
    try:
        with lock():
            if ready():
                return
            if os.path.exists(STAMP):
                os.remove(STAMP)
            venv.create(VENV, clear=True, with_pip=False, symlinks=os.name != "nt")
            if not install("requirements.txt"):
                sys.exit(
                    "L'installation n'a pas abouti ; la cause est écrite au-dessus. Vérifiez le "
                    "réseau (et le proxy, s'il y en a un), puis relancez la même commande : elle "
                    "reprendra."
                )
            with open(STAMP + ".tmp", "w", encoding="utf-8", newline="\n") as file:
                file.write(stamp())
            os.replace(STAMP + ".tmp", STAMP)
    except OSError as error:
        sys.exit(f"Impossible de préparer {VENV} : {error}. Vérifiez les droits et la place libre.")


def main():
    version = sys.version_info[:2]
    if version < OLDEST:
        sys.exit(
            "L'atelier demande Python 3.11 ou plus récent ; "
            f"celui-ci est le {version[0]}.{version[1]}. Installez-le depuis "
            "https://www.python.org/downloads/ puis relancez la commande."
        )
    if os.path.normcase(sys.prefix) != os.path.normcase(VENV):
        if version > NEWEST:
            print(
                f"Python {version[0]}.{version[1]} est plus récent que ceux que l'atelier connaît"
                " (3.11 à 3.14) : je continue.",
                file=sys.stderr,
            )
        if not ready():
            prepare()
        command = [PYTHON, os.path.join(ROOT, "atelier.py"), *sys.argv[1:]]
        if os.name != "nt":
            os.execv(PYTHON, command)
        import subprocess

        sys.exit(subprocess.call(command))
    from workshop.commands import main as run

    run()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrompu. Relancez la même commande quand vous voudrez : elle reprendra.")
