"""La suite de tests de l'apprenant : pourquoi elle échoue, ou ne voit rien. Étape 10."""

import ast
import re

from workshop.diagnosis.outside import INSTALL
from workshop.mutants.mutation import NO_TESTS, SuiteError, Verdict
from workshop.project.sources import Place

INI = "pytest.ini"
# Une exception de la suite : sa sorte, son message, le code de la cause, la cause.
CAUSES = (
    (
        "RuntimeError",
        r"Database access not allowed",
        "no-database-mark",
        "Ce test fait travailler la base sans l'avoir demandée : donnez-lui transactional_db en "
        "paramètre.",
    ),
    (
        "OperationalError",
        r"locked",
        "locked-database",
        "La préparation « db » garde une transaction ouverte, et le chat écrit depuis un autre "
        "fil. Remplacez-la par transactional_db.",
    ),
    (
        "OperationalError",
        r"no such table",
        "own-database",
        "Ce test parle à la base du projet, et non à une base de test. Donnez-lui transactional_db "
        "en paramètre, et à pytest.ini : DJANGO_SETTINGS_MODULE = live.settings",
    ),
    (
        "Failed",
        r"async def functions are not natively supported|requested an async fixture",
        "no-asyncio-mode",
        "Dans pytest.ini, sous [pytest], il manque : asyncio_mode = auto",
    ),
    (
        "ImproperlyConfigured",
        r"settings are not configured",
        "no-settings-module",
        "Dans pytest.ini, sous [pytest], il manque : DJANGO_SETTINGS_MODULE = live.settings",
    ),
    (
        "ImproperlyConfigured",
        r"in memory databases",
        "live-server-in-memory",
        "ChannelsLiveServerTestCase veut une base dans un fichier. Démarrez plutôt un vrai serveur "
        "par « manage.py testserver », comme au mouvement 7.",
    ),
    (
        "SynchronousOnlyOperation",
        r"",
        "sync-in-test",
        "Dans un test asynchrone, la base ne s'attend pas ainsi. Faites-le dans une préparation "
        "sans async, ou par await database_sync_to_async(…)(…).",
    ),
    (
        "AttributeError",
        r"'\w+' object has no attribute '(?:refused|visit|room|json|group|name|session)'",
        "said-before-connect",
        "Ce visiteur parle sans être entré : appelez d'abord await visitor.connect().",
    ),
    (
        "CancelledError",
        r"",
        "used-after-timeout",
        "Une attente de ce visiteur a expiré plus haut, ce qui arrête l'application. Pour affirmer "
        "un silence, prenez await visitor.receive_nothing().",
    ),
    (
        "AssertionError",
        r"supply exactly one of text_data or bytes_data",
        "empty-text",
        "send_to ne sait pas envoyer un texte vide. Envoyez l'événement lui-même : "
        'send_input({"type": "websocket.receive", "text": ""}).',
    ),
    (
        "ModuleNotFoundError",
        r"",
        "missing-module",
        "Ce module n'est pas dans l'environnement du projet, ou son nom est mal écrit.",
    ),
)
NEVER_AWAITED = r"coroutine '[\w.<>]*?(\w+)' was never awaited"


def suite(case):
    """La suite de l'apprenant n'a pas donné ce que l'on attendait d'elle."""
    if case.number != 10:
        return None
    if not isinstance(case.error, SuiteError):
        return case.says("unknown", None)
    verdict = case.error.verdict
    for rule in (not_installed, no_test, fixture, known, not_awaited, endless, not_alike, escaped):
        if found := rule(case, verdict):
            return found
    return case.says("unknown", None, place(verdict))


def not_installed(case, verdict: Verdict):
    """pytest ou l'un de ses greffons manque à l'environnement."""
    missing = [name for note in verdict.noted("missing") for name in note["missing"]]
    if missing and not verdict.green:
        names = " et ".join(missing)
        return case.says(
            "not-installed",
            f"Il manque {names} à l'environnement du projet. Ajoutez-les à requirements.txt, puis "
            f"tapez, dans le terminal « projet » : {INSTALL}",
            Place("requirements.txt"),
        )
    return None


def no_test(case, verdict: Verdict):
    """pytest ne trouve rien à lancer."""
    if verdict.code != NO_TESTS:
        return None
    for source in case.project.sources:
        tests = [node for node in source.nodes if is_test(node)]
        name = source.name.rpartition("/")[2]
        if tests and not re.fullmatch(r"test_.*\.py|.*_test\.py", name):
            return case.says(
                "unread-tests",
                f"{source.name} contient des tests, mais pytest ne lit que les fichiers "
                "test_….py. Renommez-le, ou ajoutez python_files à pytest.ini.",
                Place(source.name, tests[0].lineno),
            )
    for source in case.project.sources:
        name = source.name.rpartition("/")[2]
        if re.fullmatch(r"test_.*\.py|.*_test\.py", name):
            return case.says(
                "no-test-function",
                f"pytest lit {source.name}, et n'y trouve aucune fonction dont le nom commence par "
                "test_.",
                Place(source.name),
            )
    return case.says(
        "no-test-file",
        "Il n'y a pas de fichier test_….py. Le premier mouvement du chapitre en écrit un, dans le "
        "dossier tests, à côté de manage.py.",
    )


def is_test(node: ast.AST) -> bool:
    function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return function and node.name.startswith("test_")


def fixture(case, verdict: Verdict):
    """Un test demande une préparation qui n'existe pas."""
    message = verdict.failed["message"] if verdict.failed else ""
    if found := re.search(r"fixture '(\w+)' not found", message):
        return case.says(
            "no-fixture",
            f"Aucune préparation ne s'appelle « {found[1]} ». Elles sont dans tests/conftest.py ; "
            "le nom du paramètre est celui de la fonction.",
            place(verdict) if place(verdict).file else test_place(case, verdict),
        )
    return None


def test_place(case, verdict: Verdict) -> Place:
    """Renvoie l'endroit où est défini le test rouge."""
    file, _, name = verdict.failed["test"].partition("::")
    name = name.rpartition("::")[2].partition("[")[0]
    return Place(file, case.project.source(file).names.get(name))


def known(case, verdict: Verdict):
    """Une exception que l'on sait expliquer."""
    failed = verdict.failed or {}
    for kind, pattern, code, cause in CAUSES:
        if failed.get("kind") == kind and re.search(pattern, failed.get("message", "")):
            settings = code in ("no-asyncio-mode", "no-settings-module")
            return case.says(code, cause, Place(INI) if settings else place(verdict))
    return None


def not_awaited(case, verdict: Verdict):
    """Il manque un await dans un test : ce qu'il affirme est toujours vrai."""
    for warning in verdict.noted("warning"):
        found = re.search(NEVER_AWAITED, warning["warning"])
        if found and is_of_tests(warning.get("file", "")):
            return case.says(
                "test-not-awaited",
                f"Il manque « await » devant cet appel à {found[1]} : une coroutine est toujours "
                "vraie, et ce test ne peut pas échouer.",
                Place(warning["file"], warning["line"]),
            )
    message = (verdict.failed or {}).get("message", "")
    if found := re.search(NEVER_AWAITED, message + verdict.output):
        return case.says(
            "test-not-awaited",
            f"Il manque « await » devant un appel à {found[1]}, dans ce test.",
            test_place(case, verdict) if verdict.failed else None,
        )
    return None


def endless(case, verdict: Verdict):
    """Un test attend sans fin."""
    if verdict.endless and verdict.running:
        file, _, name = verdict.running.partition("::")
        name = name.rpartition("::")[2].partition("[")[0]
        return case.says(
            "endless-test",
            "Donnez un délai à chacune de ses attentes : async with asyncio.timeout(5).",
            Place(file, case.project.source(file).names.get(name)),
        )
    return None


def not_alike(case, verdict: Verdict):
    """La suite ne réussit que dans un ordre, ou que sur une façon d'écrire le chat."""
    if case.error.tested.endswith("ordre inverse"):
        return case.says(
            "order",
            "Ce test compte sur un autre, lancé avant lui, ou trouve ce qu'un autre a laissé. "
            "Donnez-lui tout ce dont il a besoin, et rangez ce qu'il laisse.",
            place(verdict),
        )
    if case.error.tested.endswith("autrement"):
        return case.says(
            "reads-the-code",
            "Les noms et l'allure du code ont changé, et rien de ce que l'on entend. Ce test "
            "regarde le code, ou l'intérieur du consommateur : qu'il écoute plutôt la "
            "conversation.",
            place(verdict),
        )
    return None


def escaped(case, verdict: Verdict):
    """La suite réussit sur un chat cassé, et n'affirme rien."""
    if case.error.tested != "un chat cassé" or not verdict.green:
        return None
    tests = [
        (source, node)
        for source in case.project.sources
        for node in source.nodes
        if is_test(node) and re.search(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$", source.name)
    ]
    silent = [
        (source, node)
        for source, node in tests
        if not any(isinstance(one, ast.Assert | ast.With | ast.AsyncWith) for one in ast.walk(node))
    ]
    if tests and len(silent) == len(tests):
        source, node = silent[0]
        return case.says(
            "no-assertion",
            "Aucun de vos tests ne contient d'assert : ils n'affirment rien, et réussissent "
            "toujours.",
            Place(source.name, node.lineno),
        )
    return case.says("escaped", None)


def place(verdict: Verdict) -> Place:
    """Renvoie la dernière ligne des tests où est passé le test rouge."""
    frames = (verdict.failed or {}).get("frames", [])
    if verdict.broken:
        frames = re.findall(r"^(\S+\.py):(\d+): in ", verdict.broken["message"], re.M)
        frames = [(file, int(line)) for file, line in frames]
    ours = [frame for frame in frames if is_of_tests(frame[0])]
    return Place(*ours[-1]) if ours else Place("")


def is_of_tests(file: str) -> bool:
    """Renvoie True si un fichier est aux tests, et non au chat."""
    return bool(file) and (not file.startswith(("chat/", "live/")) or "test" in file)
