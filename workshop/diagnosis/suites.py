"""La suite de tests de l'apprenant : pourquoi elle échoue, ou ne voit rien. Étape 13.

Rien n'y est cherché : une règle d'ici est entendue telle quelle.
"""

import ast
import re
from collections.abc import Iterator
from functools import partial

from workshop.diagnosis.outside import INSTALL
from workshop.diagnosis.rules import rule, words
from workshop.mutants.mutation import is_of_tests
from workshop.project.sources import Place

of_suite = partial(rule, steps=range(13, 14), outside=True)
words_of_suite = partial(words, steps=range(13, 14), outside=True)
READ = r"(?:.*/)?(?:test_[^/]*|[^/]*_test)\.py"
NEVER_AWAITED = r"coroutine '[\w.<>]*?(\w+)' was never awaited"


@of_suite()
def not_installed(case):
    """pytest ou l'un de ses greffons manque à l'environnement."""
    notes = [] if case.error.verdict.green else case.error.verdict.noted("missing")
    if missing := [name for note in notes for name in note["missing"]]:
        cause = f"""Il manque {" et ".join(missing)} à l'environnement du projet. Ajoutez-les à
        requirements.txt, puis tapez, dans le terminal « projet » : {INSTALL}"""
        yield "not-installed", Place("requirements.txt"), cause


@of_suite(said=r"pytest ne trouve aucun test")
def no_test(case):
    """pytest ne trouve rien à lancer."""
    for file, node in tests(case):
        if not re.fullmatch(READ, file):
            cause = f"""{file} contient des tests, mais pytest ne lit que les fichiers test_….py.
            Renommez-le, ou ajoutez python_files à pytest.ini."""
            yield "unread-tests", Place(file, node.lineno), cause
    for file in case.project.files:
        if re.fullmatch(READ, file):
            cause = f"""pytest lit {file}, et n'y trouve aucune fonction dont le nom commence par
            test_."""
            yield "no-test-function", Place(file), cause
    cause = """Il n'y a pas de fichier test_….py. Le premier mouvement du chapitre en écrit un, dans
    le dossier tests, à côté de manage.py."""
    yield "no-test-file", None, cause


@of_suite(said=r"fixture '(?P<name>\w+)' not found")
def no_fixture(case, name):
    """Aucune préparation ne s'appelle « {name} ». Elles sont dans tests/conftest.py ; le nom du
    paramètre est celui de la fonction."""
    yield here(case)


@of_suite(said=r"CancelledError")
def cancelled(case):
    """Le visiteur d'un test n'a plus d'application : elle est finie."""
    for file, node in visitors(case):
        functions = filter(is_function, case.project.source(file).nodes)
        if not any(node in ast.walk(one) for one in functions):
            cause = """Ce visiteur est créé une fois, et sert à plusieurs tests ; son application
            finit avec le premier. Créez-le dans chaque test, ou dans une préparation."""
            yield "shared-visitor", Place(file, node.lineno), cause
    place = here(case)
    tree = case.project.source(place.file).nodes if place.file else ()
    test = [one for one in tree if is_function(one) and one.lineno <= place.line <= one.end_lineno]
    if any("TimeoutError" in ast.unparse(one) for one in test):
        cause = """Une attente de ce visiteur a expiré plus haut, ce qui arrête l'application. Pour
        prouver un silence, retirez-la : ce que l'on dit ensuite doit s'entendre d'abord."""
        yield "used-after-timeout", place, cause


@of_suite(said=r"AssertionError : assert False")
def refused(case):
    """Le chat n'admet pas ce visiteur, qui ne dit pas d'où il vient."""
    text = "\n".join(one.text for one in case.project.sources if is_of_tests(one.name))
    for file, node in visitors(case):
        if not re.search(r"""["']origin["']""", text):
            cause = """Le chat refuse qui ne dit pas d'où il vient. Donnez à ce visiteur les
            en-têtes [(b"host", b"localhost"), (b"origin", b"http://localhost")]."""
            yield "no-origin", Place(file, node.lineno), cause
        elif not re.search(r"""\bb["']origin|encode\(""", text):
            cause = """Les en-têtes d'ASGI sont des octets : b"origin", ou .encode() sur chaque nom
            et sur chaque valeur."""
            yield "headers-as-text", Place(file, node.lineno), cause


@of_suite(said=r"ne finit pas")
def endless_test(case):
    """Donnez un délai à chacune de ses attentes : async with asyncio.timeout(5)."""
    if running := case.error.verdict.running:
        yield test_place(case, running)


@of_suite()
def not_awaited(case):
    """Il manque un await dans un test : ce qu'il affirme est toujours vrai."""
    verdict = case.error.verdict
    for warning in verdict.noted("warning"):
        found = re.search(NEVER_AWAITED, warning["warning"])
        if found and is_of_tests(warning.get("file", "")):
            cause = f"""Il manque « await » devant cet appel à {found[1]} : une coroutine est
            toujours vraie, et ce test ne peut pas échouer."""
            yield "test-not-awaited", Place(warning["file"], warning["line"]), cause
    message = verdict.failed["message"] if verdict.failed else ""
    if found := re.search(NEVER_AWAITED, message + verdict.output):
        place = test_place(case, verdict.failed["test"]) if verdict.failed else None
        cause = f"Il manque « await » devant un appel à {found[1]}, dans ce test."
        yield "test-not-awaited", place, cause


@of_suite(said=r"votre suite réussit quand même")
def no_assertion(case):
    """Aucun de vos tests ne contient d'assert : ils n'affirment rien, et réussissent toujours."""
    read = [(file, node) for file, node in tests(case) if re.fullmatch(READ, file)]
    affirms = ast.Assert | ast.With | ast.AsyncWith
    if read and not any(isinstance(one, affirms) for _, node in read for one in ast.walk(node)):
        yield Place(read[0][0], read[0][1].lineno)


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def tests(case) -> Iterator[tuple[str, ast.AST]]:
    """Donne les fonctions de test du projet, avec leur fichier."""
    for source in case.project.sources:
        for node in filter(is_function, source.nodes):
            if node.name.startswith("test_"):
                yield source.name, node


def visitors(case) -> Iterator[tuple[str, ast.Call]]:
    """Donne chaque visiteur que les tests créent, avec son fichier."""
    for source in case.project.sources:
        for node in source.nodes:
            if isinstance(node, ast.Call) and "WebsocketCommunicator" in ast.unparse(node.func):
                yield source.name, node


def here(case) -> Place:
    """Renvoie la ligne des tests où est passé le test rouge, ou celle où il commence."""
    verdict = case.error.verdict
    if verdict.lines:
        return Place(*verdict.lines[-1])
    return test_place(case, verdict.failed["test"]) if verdict.failed else Place("")


def test_place(case, test: str) -> Place:
    """Renvoie l'endroit où est défini un test."""
    file, _, name = test.partition("::")
    name = name.rpartition("::")[2].partition("[")[0]
    return Place(file, case.project.source(file).names.get(name))


words_of_suite(
    lambda case: [Place("pytest.ini")],
    {
        "no-asyncio-mode": (
            r"async def functions are not natively|requested an async fixture",
            "Dans pytest.ini, sous [pytest], il manque : asyncio_mode = auto",
        ),
        "quoted-settings": (
            r"No module named '[\"']",
            "Dans pytest.ini, une valeur s'écrit sans guillemets : DJANGO_SETTINGS_MODULE = "
            "live.settings",
        ),
    },
)
words_of_suite(
    lambda case: [here(case)],
    {
        "no-database-mark": (
            r"RuntimeError : Database access not allowed",
            "Ce test fait travailler la base sans l'avoir demandée : donnez-lui transactional_db "
            "en paramètre.",
        ),
        "locked-database": (
            r"OperationalError : .*locked",
            "La préparation « db » garde une transaction ouverte, et le chat écrit depuis un autre "
            "fil. Remplacez-la par transactional_db.",
        ),
        "own-database": (
            r"OperationalError : no such table",
            "Ce test parle à la base du projet, et non à une base de test. Donnez-lui "
            "transactional_db en paramètre, et à pytest.ini : DJANGO_SETTINGS_MODULE = "
            "live.settings",
        ),
        "live-server-in-memory": (
            r"ImproperlyConfigured : .*in memory databases",
            "ChannelsLiveServerTestCase veut une base dans un fichier. Démarrez plutôt un vrai "
            "serveur par « manage.py testserver », comme au mouvement 7.",
        ),
        "sync-in-test": (
            r"SynchronousOnlyOperation",
            "Dans un test asynchrone, la base ne s'attend pas ainsi. Prenez l'appel qui s'attend, "
            "await …acreate_user(…) ou async_client, ou faites-le dans une préparation sans async.",
        ),
        "said-before-connect": (
            r"'\w*Consumer' object has no attribute '\w+'",
            "Ce visiteur parle sans être entré : appelez d'abord await visitor.connect().",
        ),
        "empty-text": (
            r"supply exactly one of text_data or bytes_data",
            "send_to ne sait pas envoyer un texte vide. Envoyez l'événement lui-même : "
            'send_input({"type": "websocket.receive", "text": ""}).',
        ),
        "no-server": (
            r"Connect call failed|ConnectionRefusedError",
            "Aucun serveur n'écoute à cette adresse. Qu'une préparation en démarre un, sur un port "
            "libre, et donne son adresse aux tests : c'est le mouvement 7.",
        ),
        "unread-welcome": (
            r"assert '(?:Bienvenue|welcome)\b[^=]*== '(?!Bienvenue|welcome)",
            "Ce visiteur entend encore sa bienvenue : lisez-la après connect, par "
            "await visitor.receive_from().",
        ),
        "order": (
            r"dans l'ordre inverse, ",
            "Ce test compte sur un autre, lancé avant lui, ou trouve ce qu'un autre a laissé. "
            "Donnez-lui tout ce dont il a besoin, et rangez ce qu'il laisse.",
        ),
        "reads-the-code": (
            r"écrit autrement, ",
            "Les noms et l'allure du code ont changé, et rien de ce que l'on entend. Ce test "
            "regarde le code, ou l'intérieur du consommateur : qu'il écoute plutôt la "
            "conversation.",
        ),
    },
)
