"""Ce qui entoure le chat : l'environnement, requirements.txt, client.py, les pages, la console."""

import re
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from workshop.diagnosis.settings import place_of, value_of
from workshop.project.sources import Place, closest
from workshop.system.processes import holder

NEEDED = ("Django", "channels", "daphne", "websockets")
INSTALL = "python -m pip install -r requirements.txt -c ../constraints.txt"


def environment(case):
    """`live/.venv` manque, ou il est trop vieux."""
    if case.goal != "test_environment":
        return None
    if version := re.search(r"contient Python ([\d.]+)", case.said):
        return case.says(
            "old-python",
            f"L'environnement a été créé avec Python {version[1]} ; il faut 3.11 ou plus récent. "
            "Supprimez le dossier .venv de live, et recréez-le avec un Python plus récent.",
        )
    if "ne démarre pas" in case.said:
        return case.says(
            "broken-environment",
            "Cet environnement a été déplacé, copié, ou son Python a disparu. Supprimez le "
            "dossier .venv de live, et recréez-le : python3 -m venv .venv (py -m venv .venv sous "
            "Windows).",
        )
    folder = case.origin
    if folder and (folder / ".venv").exists():
        return case.says(
            "broken-environment",
            "Le dossier live/.venv existe, mais il ne contient pas de Python. Supprimez-le, et "
            "recréez-le : python3 -m venv .venv (py -m venv .venv sous Windows).",
        )
    others = (
        [
            path.parent
            for depth in ("*", "*/.venv")
            for path in sorted(folder.glob(f"{depth}/pyvenv.cfg"))
        ]
        if folder
        else []
    )
    if others:
        name = others[0].relative_to(folder).as_posix()
        return case.says(
            "misplaced-environment",
            f"Votre environnement est dans live/{name}, et le chapitre l'appelle live/.venv. "
            "Supprimez-le, et créez-le sous ce nom, depuis le dossier live.",
        )
    return case.says(
        "no-environment",
        "Dans le terminal « projet », qui est dans live, tapez : python3 -m venv .venv (py -m "
        "venv .venv sous Windows).",
    )


def requirements(case):
    """`requirements.txt` ne nomme pas ce qu'il faut, ou pip ne le comprend pas."""
    if found := re.search(r"ligne (\d+) : pip ne comprend pas \xab\s(.*)\s\xbb", case.said):
        line, text = int(found[1]), found[2]
        place = Place("requirements.txt", line)
        strange = [char for char in text if ord(char) > 127]
        if re.match(r"(?:python\S* -m )?pip3? install", text):
            return case.says(
                "pip-in-requirements",
                "Ce fichier ne contient que des noms de paquets, un par ligne. Retirez « pip "
                "install ».",
                place,
            )
        if strange:
            from workshop.diagnosis.files import changed_character

            return case.says(
                "changed-character", changed_character(strange[0]).replace(" en Python", ""), place
            )
        if re.match(r"[+-]", text):
            return case.says(
                "pasted-diff",
                "Le signe du début vient d'une différence : il ne s'écrit pas. Retirez-le.",
                place,
            )
        if re.search(r"(?<![=<>! ])=(?!=)", text):
            return case.says(
                "one-equal", "Une version s'écrit avec deux signes égal : Django==5.2.19", place
            )
        if re.search(r"['\"]", text):
            return case.says(
                "quoted-requirement", "Dans ce fichier, les noms s'écrivent sans guillemets.", place
            )
        if re.search(r"[\w\]]\s*[,;\s]\s*\w", text):
            return case.says(
                "one-per-line",
                "Un seul paquet par ligne : séparez-les par des retours à la ligne.",
                place,
            )
        return case.says(
            "bad-requirement",
            "Écrivez un paquet par ligne : son nom, deux signes égal, sa version.",
            place,
        )
    if found := re.search(r"requirements\.txt ne nomme pas : (.*)\.", case.said):
        missing = found[1].split(", ")
        source = case.project.source("requirements.txt")
        if b"\0" in source.path.read_bytes():
            return case.says(
                "not-utf-8",
                "Ce fichier est enregistré en UTF-16, comme le fait « > » dans PowerShell. "
                "Enregistrez-le de nouveau, dans l'éditeur, en UTF-8.",
                Place("requirements.txt"),
            )
        names = {}
        for number, line in enumerate(source.lines, 1):
            if named := re.match(r"\s*([\w.-]+)", line):
                names[canonicalize_name(named[1])] = number
        for wanted in missing:
            if near := closest(wanted, names):
                return case.says(
                    "misspelt-requirement",
                    f"« {near} » n'est pas le bon paquet : il s'appelle « {wanted} ».",
                    Place("requirements.txt", names[near]),
                )
            for number, line in enumerate(source.lines, 1):
                if re.match(rf"\s*#\s*{wanted}\b", line, re.I):
                    return case.says(
                        "commented",
                        "Cette ligne est un commentaire : retirez le « # ».",
                        Place("requirements.txt", number),
                    )
        if not source.text.strip():
            return case.says(
                "empty-file",
                "Ce fichier est vide. L'avez-vous enregistré ?",
                Place("requirements.txt"),
            )
        return case.says(
            "missing-requirement",
            f"Ajoutez une ligne pour : {', '.join(missing)}.",
            Place("requirements.txt"),
        )
    if case.said == "not-utf-8" or re.search(r"UnicodeDecodeError", case.said):
        return case.says(
            "not-utf-8",
            "Ce fichier n'est pas enregistré en UTF-8 ; « > », dans PowerShell, écrit de "
            "l'UTF-16. Enregistrez-le de nouveau, dans l'éditeur, en UTF-8.",
            Place("requirements.txt"),
        )
    if case.goal == "test_installed":
        if "n'est pas installé" in case.said:
            return case.says(
                "not-installed",
                "Dans le terminal « projet », environnement actif (l'invite commence par "
                f"« (.venv) »), tapez : {INSTALL}",
            )
        if named := re.search(r"contient (\S+) (\S+), mais", case.said):
            source = case.project.source("requirements.txt")
            line = next(
                (
                    n
                    for n, text in enumerate(source.lines, 1)
                    if canonicalize_name(re.match(r"\s*([\w.-]*)", text)[1] or "-")
                    == canonicalize_name(named[1])
                ),
                None,
            )
            return case.says(
                "other-version",
                "Le fichier et l'environnement ne disent pas la même version. Si le fichier est "
                f"bon, tapez : {INSTALL}",
                Place("requirements.txt", line),
            )
    return None


def client(case):
    """`client.py` n'entend pas, ne dit pas, ou ne s'arrête pas."""
    if not case.goal.startswith("test_client"):
        return None
    if case.said.startswith("client.py ne s'arrête pas"):
        lines = re.findall(r'File "([^"]*client\.py)", line (\d+)', case.log)
        place = Place("client.py", int(lines[-1][1]) if lines else None)
        return case.says(
            "never-stops",
            "client.py attend encore à cette ligne. Donnez un délai à chaque attente, comme le "
            "chapitre : open_timeout=2, close_timeout=2, et timeout=2 pour recv."
            if lines
            else "client.py n'en finit pas. Donnez un délai à chaque attente.",
            place,
        )
    if found := re.search(r"Il a dit.*?\xab\s(.*)\s\xbb", case.said, re.S):
        said = found[1].strip()
        source = case.project.source("client.py")
        if not said:
            prints = any(line.lstrip().startswith("print(") for line in source.lines)
            return case.says(
                "prints-nothing",
                "client.py n'imprime rien. La ligne « print » doit être dans la boucle, alignée "
                "avec « try »."
                if prints
                else (
                    "client.py n'imprime rien : il lui manque la ligne « print », alignée avec "
                    "« try »."
                ),
                Place("client.py"),
            )
        if "répète" in case.said:
            return case.says(
                "says-too-much",
                "« heard » garde ce qui a été entendu au tour d'avant. La ligne « heard = [] » "
                "est dans la boucle.",
                Place("client.py", source.names.get("heard")),
            )
        if "argv" not in source.text:
            return case.says(
                "fixed-address",
                "client.py ne prend pas l'adresse qu'on lui donne sur la ligne de commande : "
                "sys.argv[1], s'il y en a un.",
                Place("client.py", source.names.get("address")),
            )
        if "connexion refusée" in said or "HTTP" in said or "coupée" in said:
            return case.says(
                "wrong-address",
                "client.py n'a pas joint le serveur dont l'adresse lui est donnée. Comparez la "
                "façon dont il lit sys.argv[1] avec celle du chapitre.",
                Place("client.py", source.names.get("address")),
            )
        return case.says(
            "says-too-little",
            "client.py n'imprime pas tout ce qu'il reçoit : chaque recv va dans « heard », et "
            "« heard » est imprimé.",
            Place("client.py"),
        )
    if "n'en a rien dit" in case.said:
        return case.says(
            "says-nothing",
            "Quand personne n'écoute, client.py doit le dire : « except OSError » ajoute "
            "« connexion refusée » à « heard », et la ligne « print » est alignée avec « try ».",
            Place("client.py"),
        )
    # La dernière : les autres l'ont précédée.
    raised = [error for error in case.errors if error.place.file == "client.py"]
    error = raised[-1] if raised else None
    if error and error.kind == "AttributeError":
        return case.says(
            "missing-attribute",
            f"{error.message} : cet attribut n'existe pas. Comparez cette ligne avec celle du "
            "chapitre.",
            error.place,
        )
    if error and "context manager protocol" in error.message:
        return case.says(
            "wrong-home",
            "Ce « connect » n'est pas celui du chapitre : from websockets.sync.client import "
            "connect",
            Place("client.py", case.project.source("client.py").names.get("connect")),
        )
    if error and error.kind == "EOFError":
        return case.says(
            "input",
            "Cette ligne attend quelqu'un au clavier, et la vérification n'a personne. Retirez-la.",
            error.place,
        )
    if error and error.kind in ("ConnectionRefusedError", "OSError"):
        return case.says(
            "not-caught",
            "Personne n'écoute, et l'erreur n'est pas attrapée. Une connexion refusée est une "
            "OSError : son « except » vient après celui de TimeoutError.",
            error.place,
        )
    if error and error.kind in (
        "TimeoutError",
        "InvalidStatus",
        "InvalidMessage",
        "ConnectionClosed",
        "ConnectionClosedOK",
        "ConnectionClosedError",
    ):
        return case.says(
            "not-caught",
            f"{error.kind} n'est pas attrapée. Ajoutez son « except », comme au chapitre.",
            error.place,
        )
    return None


def page(case):
    """Une page ne répond pas ce qu'elle devrait."""
    found = re.search(r"La page (\S+) répond HTTP (\d+)", case.said)
    if not found:
        return None
    if "ALLOWED_HOSTS" in case.log or found[2] == "400":
        hosts = value_of(case, "ALLOWED_HOSTS")
        return case.says(
            "host-refused",
            f"Django refuse le nom de machine 127.0.0.1 : ALLOWED_HOSTS vaut {hosts}. Remettez "
            "une liste vide, [].",
            place_of(case, "ALLOWED_HOSTS"),
        )
    if found[2] == "404":
        place = Place("live/urls.py") if case.project.has("live/urls.py") else None
        if "admin" not in (case.project.source("live/urls.py").text if place else ""):
            return case.says(
                "no-admin",
                "live/urls.py ne nomme plus la page admin/. Remettez la ligne que startproject "
                "avait écrite : path('admin/', admin.site.urls)",
                place,
            )
        return case.says(
            "no-admin",
            "Aucune adresse ne mène à cette page. Comparez live/urls.py avec ce que startproject "
            "avait écrit.",
            place,
        )
    if "no application configured for scope type 'http'" in case.log.lower():
        from workshop.diagnosis.routing import entrance

        return case.says(
            "no-http-key",
            "ProtocolTypeRouter n'a pas de clé « http » : les pages ne mènent plus nulle part. "
            'Ajoutez "http": get_asgi_application().',
            entrance(case),
        )
    return None


def browser(case):
    """Le navigateur n'a pas parlé, ou pas comme attendu."""
    if case.goal != "test_voice":
        return None
    if re.search(r"HTTP \d+|poignée de main", case.said):
        return case.says(
            "other-server",
            f"Celui qui répond est {holder(urlsplit(case.server).port)}. Si ce n'est pas le "
            "serveur de "
            "votre projet, arrêtez-le, puis démarrez le vôtre dans le terminal « serveur » ; si "
            "c'est "
            "lui, lisez la dernière ligne de son journal.",
        )
    found = re.search(r"Dernier message.*?\xab\s(?:<.*?>\s)?(.*)\s\xbb\.$", case.observed, re.S)
    expected = re.search(r"personne n'a dit\s\xab\s(.*?)\s\xbb", case.observed)
    if found and expected and not found[1].startswith("Bienvenue"):
        from workshop.diagnosis import texts

        for code, cause in texts.differences(expected[1], found[1]):
            return case.says(code, cause, Place("console.js"))
    source = case.project.source("console.js") if case.project.has("console.js") else None
    if source:
        room = re.search(r"/chat/([^/\"'`]+)/", source.text)
        if room and room[1] != "poneys":
            line = source.text[: room.start()].count("\n") + 1
            return case.says(
                "other-room",
                f"console.js parle dans le salon « {room[1]} », et l'on écoute dans « poneys ».",
                Place("console.js", line),
            )
    # Un navigateur refusé ne laisse pas de trace ici : on ne sait pas si quelqu'un a collé.
    refused = (
        " Si elle répond « Connexion fermée, code 1006 », tapez python manage.py migrate dans le "
        "terminal « projet », puis recollez : le navigateur porte peut-être le cookie d'un autre "
        "projet Django, et le vôtre n'a pas encore la table où le chercher."
    )
    return case.says(
        "nobody-spoke",
        "Ouvrez une page de votre serveur, puis sa console (F12), collez les lignes de console.js "
        "et appuyez sur Entrée." + (refused if case.refuses_cookies else ""),
        Place("console.js") if source else None,
    )
