"""Ce qui entoure le chat : l'environnement, requirements.txt, client.py, les pages, la console."""

import re
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from workshop.diagnosis.files import changed_character
from workshop.diagnosis.rules import rule
from workshop.diagnosis.settings import entrance, place_of, value_of
from workshop.project.sources import Place, closest
from workshop.system.processes import holder

INSTALL = "python -m pip install -r requirements.txt -c ../constraints.txt"
RECREATE = "recréez-le : python3 -m venv .venv (py -m venv .venv sous Windows)."
# Une ligne que pip ne comprend pas : motif, code, cause.
NOT_PIP = (
    (
        r"(?:python\S* -m )?pip3? install",
        "pip-in-requirements",
        "Ce fichier ne contient que des noms de paquets, un par ligne. Retirez « pip install ».",
    ),
    (
        r"[+-]",
        "pasted-diff",
        "Le signe du début vient d'une différence : il ne s'écrit pas. Retirez-le.",
    ),
    (
        r".*(?<![=<>!~])=(?!=)",
        "one-equal",
        "Une version s'écrit avec deux signes égal : Django==5.2.19",
    ),
    (r".*['\"]", "quoted-requirement", "Dans ce fichier, les noms s'écrivent sans guillemets."),
    (
        r".*[\w\]]\s*[,;\s]\s*\w",
        "one-per-line",
        "Un seul paquet par ligne : séparez-les par des retours à la ligne.",
    ),
    (
        r"",
        "bad-requirement",
        "Écrivez un paquet par ligne : son nom, deux signes égal, sa version.",
    ),
)


@rule(goals="test_environment", outside=True)
def environment(case):
    """L'environnement `live/.venv` manque, est cassé, ou trop vieux."""
    folder = case.origin
    others = [path.parent for depth in ("*", "*/.venv") for path in folder.glob(f"{depth}/pyvenv.cfg")]
    if version := re.search(r"contient Python ([\d.]+)", case.said):
        yield "old-python", None, (
            f"L'environnement a été créé avec Python {version[1]} ; il faut 3.11 ou plus récent. "
            "Supprimez le dossier .venv de live, et recréez-le avec un Python plus récent."
        )
    elif "ne démarre pas" in case.said:
        yield "broken-environment", None, (
            "Cet environnement a été déplacé, copié, ou son Python a disparu. Supprimez le "
            f"dossier .venv de live, et {RECREATE}"
        )
    elif (folder / ".venv").exists():
        yield "broken-environment", None, (
            "Le dossier live/.venv existe, mais il ne contient pas de Python. Supprimez-le, et "
            f"{RECREATE}"
        )
    elif others:
        name = min(others).relative_to(folder).as_posix()
        yield "misplaced-environment", None, (
            f"Votre environnement est dans live/{name}, et le chapitre l'appelle live/.venv. "
            "Supprimez-le, et créez-le sous ce nom, depuis le dossier live."
        )
    else:
        yield "no-environment", None, (
            "Dans le terminal « projet », qui est dans live, tapez : python3 -m venv .venv (py -m "
            "venv .venv sous Windows)."
        )


@rule(said=r"ligne (?P<line>\d+) : pip ne comprend pas « (?P<text>.*) »")
def not_for_pip(case, line, text):
    """Une ligne de requirements.txt n'est pas un nom de paquet et sa version."""
    strange = [char for char in text if ord(char) > 127]
    found = (one[1:] for one in NOT_PIP if re.match(one[0], text))
    code, cause = next(found)
    if strange and code != "pip-in-requirements":
        code, cause = "changed-character", changed_character(strange[0])
    yield code, Place("requirements.txt", int(line)), cause


@rule(said=r"requirements\.txt ne nomme pas : (?P<missing>.*)\.$")
def missing_requirement(case, missing):
    """Un paquet manque à requirements.txt, ou y porte un autre nom."""
    source = case.project.source("requirements.txt")
    if b"\0" in source.path.read_bytes():
        yield from _not_utf_8()
    named = {
        canonicalize_name(found[1]): number
        for number, line in enumerate(source.lines, 1)
        if (found := re.match(r"\s*([\w.-]+)", line))
    }
    for wanted in missing.split(", "):
        for number, line in enumerate(source.lines, 1):
            if re.match(rf"\s*#\s*{wanted}\b", line, re.I):
                yield "commented", Place("requirements.txt", number), (
                    "Cette ligne est un commentaire : retirez le « # »."
                )
        if near := closest(wanted, named):
            yield "misspelt-requirement", Place("requirements.txt", named[near]), (
                f"« {near} » n'est pas le bon paquet : il s'appelle « {wanted} »."
            )
    yield "missing-requirement", Place("requirements.txt"), (
        f"Ajoutez une ligne pour : {missing}."
        if source.text.strip()
        else "Ce fichier est vide. L'avez-vous enregistré ?"
    )


@rule("UnicodeDecodeError", goals="test_requirements")
def requirements_not_utf_8(case, error):
    """Le fichier requirements.txt n'est pas enregistré en UTF-8."""
    yield from _not_utf_8()


def _not_utf_8():
    yield "not-utf-8", Place("requirements.txt"), (
        "Ce fichier est enregistré en UTF-16, comme le fait « > » dans PowerShell. "
        "Enregistrez-le de nouveau, dans l'éditeur, en UTF-8."
    )


@rule(goals="test_installed", said="n'est pas installé", outside=True)
def not_installed(case):
    """Les paquets de requirements.txt ne sont pas installés."""
    yield "not-installed", None, (
        "Dans le terminal « projet », environnement actif (l'invite commence par "
        f"« (.venv) »), tapez : {INSTALL}"
    )


@rule(goals="test_installed", said=r"contient (?P<name>\S+) \S+, mais", outside=True)
def other_version(case, name):
    """La version installée n'est pas celle que demande requirements.txt."""
    lines = case.project.source("requirements.txt").lines
    found = (n for n, line in enumerate(lines, 1) if re.match(rf"\s*{name}\b", line, re.I))
    yield "other-version", Place("requirements.txt", next(found, None)), (
        "Le fichier et l'environnement ne disent pas la même version. Si le fichier est "
        f"bon, tapez : {INSTALL}"
    )


@rule(goals=("test_client_hears", "test_client_stops"), said=r"^client\.py ne s'arrête pas")
def never_stops(case):
    """Une attente de client.py n'a pas de délai."""
    lines = re.findall(r'File "[^"]*client\.py", line (\d+)', case.log)
    for line in map(int, reversed(lines)):
        yield "never-stops", Place("client.py", line), (
            "client.py attend encore à cette ligne. Donnez un délai à chaque attente, comme le "
            "chapitre : open_timeout=2, close_timeout=2, et timeout=2 pour recv."
        )
    yield "never-stops", Place("client.py"), (
        "client.py n'en finit pas. Donnez un délai à chaque attente."
    )


@rule(goals="test_client_hears", said=r"Il a dit : « ?(?P<said>.*?) ?»\.")
def client_says(case, said):
    """Ce qu'imprime client.py n'est pas ce qu'il a entendu."""
    source = case.project.source("client.py")
    names = source.names
    if not said.strip():
        prints = re.search(r"^\s*print\(", source.text, re.M)
        yield "prints-nothing", Place("client.py"), (
            "client.py n'imprime rien. La ligne « print » doit être dans la boucle, alignée "
            "avec « try »."
            if prints
            else "client.py n'imprime rien : il lui manque la ligne « print », alignée avec "
            "« try »."
        )
    elif "répète" in case.said:
        yield "says-too-much", Place("client.py", names.get("heard")), (
            "« heard » garde ce qui a été entendu au tour d'avant. La ligne « heard = [] » est "
            "dans la boucle."
        )
    elif re.search("connexion refusée|HTTP|coupée", said):
        yield "wrong-address", Place("client.py", names.get("address")), (
            "client.py n'a pas joint le serveur dont l'adresse lui est donnée. Comparez la "
            "façon dont il lit sys.argv[1] avec celle du chapitre."
            if "argv" in source.text
            else "client.py ne prend pas l'adresse qu'on lui donne sur la ligne de commande : "
            "sys.argv[1], s'il y en a un."
        )
    else:
        yield "says-too-little", Place("client.py"), (
            "client.py n'imprime pas tout ce qu'il reçoit : chaque recv va dans « heard », et "
            "« heard » est imprimé."
        )


@rule(goals="test_client_stops", said="n'en a rien dit")
def says_nothing(case):
    """Quand personne n'écoute, client.py ne le dit pas."""
    yield "says-nothing", Place("client.py"), (
        "Quand personne n'écoute, client.py doit le dire : « except OSError » ajoute "
        "« connexion refusée » à « heard », et la ligne « print » est alignée avec « try »."
    )


@rule("TypeError", "context manager protocol", steps=range(2, 3))
def other_connect(case, error):
    """Le « connect » de client.py vient d'une autre bibliothèque."""
    yield "wrong-home", Place("client.py", case.project.source("client.py").names.get("connect")), (
        "Ce « connect » n'est pas celui du chapitre : from websockets.sync.client import connect"
    )


@rule("EOFError")
def reads_the_keyboard(case, error):
    """Une ligne attend quelqu'un au clavier."""
    yield "input", error.place, (
        "Cette ligne attend quelqu'un au clavier, et la vérification n'a personne. Retirez-la."
    )


@rule(r"(ConnectionRefused|OS|Timeout)Error|Invalid\w+|ConnectionClosed\w*", steps=range(2, 3))
def not_caught(case, error):
    """Une exception que le chapitre attrape n'est pas attrapée."""
    refused = error.kind in ("ConnectionRefusedError", "OSError")
    yield "not-caught", Place("client.py"), (
        "Personne n'écoute, et l'erreur n'est pas attrapée. Une connexion refusée est une "
        "OSError : son « except » vient après celui de TimeoutError."
        if refused
        else f"{error.kind} n'est pas attrapée. Ajoutez son « except », comme au chapitre."
    )


@rule(said=r"La page \S+ répond HTTP 400")
def host_refused(case):
    """ALLOWED_HOSTS ne permet pas la machine elle-même."""
    hosts = value_of(case, "ALLOWED_HOSTS")
    yield "host-refused", place_of(case, "ALLOWED_HOSTS"), (
        f"Django refuse le nom de machine 127.0.0.1 : ALLOWED_HOSTS vaut {hosts}. Remettez une "
        "liste vide, []."
    )


@rule(said=r"La page /admin/\S* répond HTTP 404")
def no_admin(case):
    """Aucune adresse ne mène plus aux pages d'administration."""
    for source in case.project.sources:
        if source.name.endswith("urls.py"):
            yield "no-admin", Place(source.name), (
                f"{source.name} ne mène plus à la page admin/. Remettez la ligne que startproject "
                "avait écrite : path('admin/', admin.site.urls)"
            )


@rule(said=r"La page \S+ répond HTTP", log=r"(?i)no application configured for scope type 'http'")
def no_http_key(case):
    """L'application ne sait plus servir de pages."""
    yield "no-http-key", entrance(case), (
        "ProtocolTypeRouter n'a pas de clé « http » : les pages ne mènent plus nulle part. "
        'Ajoutez "http": get_asgi_application().'
    )


@rule(goals="test_voice", said=r"HTTP \d+|poignée de main", outside=True)
def other_server(case):
    """Un autre serveur répond sur le port."""
    yield "other-server", None, (
        f"Celui qui répond est {holder(urlsplit(case.server).port)}. Si ce n'est pas le serveur de "
        "votre projet, arrêtez-le, puis démarrez le vôtre dans le terminal « serveur » ; si c'est "
        "lui, lisez la dernière ligne de son journal."
    )


@rule(goals="test_voice", said=r"Dernier message : « <.*?> (?P<said>.*) »\.$", outside=True)
def other_words(case, said):
    """Une voix est venue du navigateur, et ne dit pas la phrase du chapitre."""
    lines = case.project.source("console.js").lines
    yield "other-words", Place("console.js", next((n for n, one in enumerate(lines, 1) if said in one), None)), (
        "Une voix est venue, avec une autre phrase. Comparez-les signe par signe."
    )


@rule(goals="test_voice", outside=True)
def nobody_spoke(case):
    """Personne n'a parlé depuis un navigateur."""
    source = case.project.source("console.js") if case.project.has("console.js") else None
    room = source and re.search(r"/chat/([^/\"'`]+)/", source.text)
    if room and room[1] != "poneys":
        line = source.text[: room.start()].count("\n") + 1
        yield "other-room", Place("console.js", line), (
            f"console.js parle dans le salon « {room[1]} », et l'on écoute dans « poneys »."
        )
    # Un navigateur refusé ne laisse pas de trace ici : on ne sait pas si quelqu'un a collé.
    refused = (
        " Si elle répond « Connexion fermée, code 1006 », tapez python manage.py migrate dans le "
        "terminal « projet », puis recollez : le navigateur porte peut-être le cookie d'un autre "
        "projet Django, et le vôtre n'a pas encore la table où le chercher."
    )
    yield "nobody-spoke", Place("console.js") if source else None, (
        "Ouvrez une page de votre serveur, puis sa console (F12), collez les lignes de console.js "
        "et appuyez sur Entrée." + (refused if case.refuses_cookies else "")
    )
