"""Ce que reçoit un test d'étape : le projet à juger, son Python, son vrai serveur, ses visiteurs.

`verifier` donne une copie du projet par l'environnement ; `pytest steps/05-consumers`, seul, juge
la solution de l'étape.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import pytest_asyncio
from channels.layers import channel_layers

from workshop.basics import LAUNCHER
from workshop.browsers.driving import driven_browser
from workshop.browsers.finding import MissingTool, starting_browser
from workshop.browsers.sharing import VARIABLE
from workshop.chapters.steps import Step
from workshop.project.deploying import deployed, manage, production_settings
from workshop.project.files import copy_project, has_migrations
from workshop.project.serving import Server, require_no_exception
from workshop.system.processes import ServerError
from workshop.visitors.members import InProcessMember, NetworkMember, has_models, load

PROJECT = pytest.StashKey[Path]()
LOADED = pytest.StashKey[object]()
SERVER = pytest.StashKey[Server]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    # pytest-django met d'abord les tests qui ont une base ; l'ordre des buts est celui du fichier.
    items.sort(key=lambda item: (item.path, item.reportinfo()[1]))
    if len({item.path.parent for item in items}) > 1:
        raise pytest.UsageError(
            "Une étape à la fois : « pytest steps/05-consumers », par exemple. "
            f"Tous les tests se lancent par « {LAUNCHER} test »."
        )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    if not session.items:
        return
    if given := os.environ.get("ATELIER_PROJECT"):
        session.config.stash[PROJECT] = Path(given)
    else:
        copy = Path(tempfile.mkdtemp(prefix="atelier-"))
        session.config.add_cleanup(lambda: shutil.rmtree(copy, ignore_errors=True))
        session.config.stash[PROJECT] = copy / "live"
        copy_project(Step(session.items[0].path.parent).solution, copy / "live")
    project = session.config.stash[PROJECT]
    if has_migrations(project) and any("server" in item.fixturenames for item in session.items):
        # Une base est longue à faire : elle se fait pendant que le projet se charge ici.
        server = session.config.stash[SERVER] = Server(project, project_python())
        session.config.add_cleanup(server.__exit__)
        with contextlib.suppress(ServerError):
            server.start()
    # Après la liste des buts : un projet qui tourne en rond à l'import est un but rouge, lui aussi.
    if visited := [item for item in session.items if "visitor" in item.fixturenames]:
        loaded = session.config.stash[LOADED] = load(project)
        # Une base d'essai prend du temps : seul un projet qui a des modèles en demande une.
        if not isinstance(loaded, BaseException) and has_models(project):
            for item in visited:
                item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def project(pytestconfig) -> Path:
    """Le dossier de `manage.py`, une copie : un test peut y lancer ce qu'il veut."""
    return pytestconfig.stash[PROJECT]


@pytest.fixture(scope="session")
def python() -> str:
    """Le Python du projet, ou celui de l'atelier ; vide à l'étape 01 s'il n'y en a pas."""
    return project_python()


def project_python() -> str:
    return os.environ.get("ATELIER_PYTHON", sys.executable)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    if server := item.funcargs.get("server"):
        require_no_exception(server)
    return result


@pytest.fixture(scope="session")
def server(request, project, python):
    """Le vrai serveur du projet, sur un port libre."""
    with request.config.stash.get(SERVER, None) or Server(project, python) as running:
        if any("browser" in item.fixturenames for item in request.session.items):
            # Le navigateur démarre pendant que l'on juge les premiers buts.
            request.getfixturevalue("starting")
        yield running


@pytest.fixture
async def visitor(pytestconfig):
    """Fabrique un visiteur qui parle à l'application dans ce processus."""
    application = pytestconfig.stash[LOADED]
    if isinstance(application, BaseException):
        raise application
    # Chaque test a sa boucle asyncio : il lui faut aussi sa couche de canaux.
    channel_layers.backends.clear()
    async for make in _visitors(InProcessMember, application):
        yield make


@pytest.fixture
async def network_visitor(server):
    """Fabrique un visiteur qui parle au vrai serveur."""
    async for make in _visitors(NetworkMember, server.url):
        yield make


@pytest.fixture(scope="session")
def starting():
    """Un vrai navigateur qui démarre : sa sorte, et de quoi attendre son adresse ; ou None."""
    if known := os.environ.get(VARIABLE):

        async def ready() -> str:
            return known

        yield "chromium", ready
        return
    for kind in ("chromium", "firefox"):
        with contextlib.suppress(MissingTool), starting_browser(kind) as address:
            yield kind, address
            return
    yield None


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(starting):
    """Un vrai navigateur ; sans lui, le but n'est pas vérifié."""
    if not starting:
        pytest.skip(
            "Aucun navigateur n'est trouvé sur cette machine : installez Chrome, Edge, Chromium ou "
            "Firefox, puis relancez la même commande."
        )
    kind, address = starting
    async with driven_browser(kind, await address()) as driven:
        yield driven


@pytest.fixture(scope="module")
def redis():
    from workshop.system.redis_server import RedisServer

    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def postgres():
    """Un PostgreSQL à cette vérification seule."""
    from workshop.system.postgres_server import PostgresServer, postgres_programs

    if not postgres_programs():
        pytest.skip(
            "Aucun PostgreSQL n'est trouvé sur cette machine : ce but n'est pas jugé. Le point de "
            "départ du chapitre 16 dit comment en avoir un."
        )
    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="module")
def production(project) -> dict[str, str]:
    """Les réglages de la production, sans les adresses de la base et de Redis."""
    return production_settings(project)


@pytest.fixture(scope="module")
def front(redis, postgres, project, python, production):
    """Le projet déployé : nginx, en TLS, et deux serveurs derrière."""
    from workshop.system.nginx_server import real_nginx

    if not real_nginx(python):
        pytest.skip(
            "Aucun nginx n'est trouvé sur cette machine : ce but n'est pas jugé. Le point de "
            "départ du chapitre 16 dit comment en avoir un."
        )
    given = production | {"REDIS_URL": redis.url, "DATABASE_URL": postgres.create("dehors")}
    # Un but d'avant l'a fait, s'il est jugé aussi.
    if not (project / "staticfiles").is_dir():
        manage(project, python, given, "collectstatic", "--noinput")
    with deployed(project, given, python) as front, pytest.MonkeyPatch.context() as patch:
        # Ce que lisent tous ceux qui viennent de dehors.
        patch.setenv("SSL_CERT_FILE", str(front.authority))
        yield front


async def _visitors(kind, *arguments):
    """Fabrique des visiteurs ; ceux qui restent à la fin du test s'en vont."""
    visitors = []

    def make(**options):
        visitors.append(kind(*arguments, **options))
        return visitors[-1]

    yield make
    for one in visitors:
        await one.vanish()
