"""Ce qui entoure le chat : l'environnement, requirements.txt, client.py, les pages."""

import re

from workshop.diagnosis.files import changed_character
from workshop.diagnosis.rules import rule
from workshop.diagnosis.settings import entrance, place_of, value_of
from workshop.project.sources import Place, closest

CREATE = "python3 -m venv --prompt live .venv (py -m venv --prompt live .venv sous Windows)"
INSTALL = "python -m pip install -r requirements.txt -c ../constraints.txt"
# Une ligne que pip ne comprend pas.
NOT_PIP = {
    "pip-in-requirements": (
        r"(python\S* -m )?pip3? install",
        "Ce fichier ne contient que des noms de paquets, un par ligne. Retirez « pip install ».",
    ),
    "one-per-line": (
        r".*[\w\]]\s*[,;\s]\s*[A-Za-z]",
        "Un seul paquet par ligne : séparez-les par des retours à la ligne.",
    ),
    "bad-requirement": (
        "",
        "Écrivez un paquet par ligne : son nom, deux signes égal, sa version.",
    ),
}


@rule(goals="test_environment", said=r"contient Python (?P<version>[\d.]+)", outside=True)
def old_python(case, version):
    """L'environnement a été créé avec Python {version} ; il faut 3.11 ou plus récent. Supprimez le
    dossier .venv de live, et recréez-le avec un Python plus récent."""
    yield None


@rule(goals="test_environment", outside=True)
def environment(case):
    """L'environnement `live/.venv` manque, a un autre nom, ou est cassé."""
    folder = case.origin
    others = [*folder.glob("*/pyvenv.cfg"), *folder.glob("*/.venv/pyvenv.cfg")]
    if (folder / ".venv").exists():
        cause = f"""Cet environnement a été déplacé, copié, ou son Python a disparu. Supprimez le
        dossier .venv de live, et recréez-le : {CREATE}."""
        yield "broken-environment", None, cause
    elif others:
        name = others[0].parent.relative_to(folder).as_posix()
        cause = f"""Votre environnement est dans live/{name}, et le chapitre l'appelle live/.venv.
        Supprimez-le, et créez-le sous ce nom, depuis le dossier live."""
        yield "misplaced-environment", None, cause
    else:
        cause = f"Dans le terminal « projet », qui est dans live, tapez : {CREATE}."
        yield "no-environment", None, cause


@rule(said=r"ligne (?P<line>\d+) : pip ne comprend pas \xab (?P<text>.*) \xbb")
def not_of_the_keyboard(case, line, text):
    """Un caractère n'est pas celui du clavier."""
    if strange := re.search(r"[^\0-\x7f]", text):
        cause = changed_character(strange[0])
        yield "changed-character", Place("requirements.txt", int(line)), cause


for _code, (_pattern, _cause) in NOT_PIP.items():

    @rule(said=rf"ligne (?P<line>\d+) : pip ne comprend pas \xab {_pattern}")
    def not_for_pip(case, line, code=_code, cause=_cause):
        yield code, Place("requirements.txt", int(line)), cause


@rule(said=r"requirements\.txt ne nomme pas : (?P<missing>.*)\.$")
def missing_requirement(case, missing):
    """Ajoutez une ligne pour : {missing}."""
    named = re.findall(r"[\w-]+", case.project.source("requirements.txt").text)
    if not closest(missing, named):
        yield Place("requirements.txt")


@rule(goals="test_requirements")
def not_utf_8(case):
    """Ce fichier n'est pas enregistré en UTF-8 ; « > », dans PowerShell, écrit de l'UTF-16.
    Enregistrez-le de nouveau, dans l'éditeur, en UTF-8."""
    if re.search("[\0\ufffd]", case.project.source("requirements.txt").text):
        yield Place("requirements.txt")


@rule(goals="test_installed", said="n'est pas installé", outside=True)
def not_installed(case):
    """Les paquets de requirements.txt ne sont pas installés."""
    cause = f"""Dans le terminal « projet », environnement actif (l'invite commence par
    « (live) »), tapez : {INSTALL}"""
    yield "not-installed", None, cause


@rule(goals="test_installed", said=r"contient (?P<name>\S+) \S+, mais", outside=True)
def other_version(case, name):
    """La version installée n'est pas celle que demande requirements.txt."""
    lines = case.project.source("requirements.txt").lines
    found = (n for n, line in enumerate(lines, 1) if re.match(rf"\s*{name}\b", line, re.I))
    cause = f"""Le fichier et l'environnement ne disent pas la même version. Si le fichier est bon,
    tapez : {INSTALL}"""
    yield "other-version", Place("requirements.txt", next(found, None)), cause


@rule(said=r"^client\.py ne s'arrête pas")
def never_stops(case):
    """client.py attend encore à cette ligne. Donnez un délai à chaque attente, comme le chapitre :
    open_timeout=2, close_timeout=2, et timeout=2 pour recv."""
    for line in reversed(re.findall(r'File "[^"]*client\.py", line (\d+)', case.log)):
        yield Place("client.py", int(line))


@rule("EOFError")
def reads_the_keyboard(case, error):
    """Cette ligne attend quelqu'un au clavier, et la vérification n'a personne. Retirez-la."""
    yield error.place


@rule(said=r"La page \S+ répond HTTP 400")
def host_refused(case):
    """ALLOWED_HOSTS ne permet pas la machine elle-même."""
    if hosts := value_of(case, "ALLOWED_HOSTS"):
        cause = f"""Django refuse le nom de machine 127.0.0.1 : ALLOWED_HOSTS vaut {hosts}. Remettez
        une liste vide, []."""
        yield "host-refused", place_of(case, "ALLOWED_HOSTS"), cause


@rule(said=r"La page \S+ répond HTTP", log=r"(?i)no application configured for scope type 'http'")
def no_http_key(case):
    """ProtocolTypeRouter n'a pas de clé « http » : les pages ne mènent plus nulle part. Ajoutez
    "http": get_asgi_application()."""
    yield entrance(case)
