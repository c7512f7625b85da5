"""Étape 16 : la production. PostgreSQL, Redis, nginx, TLS, et deux serveurs, pour de bon."""

import asyncio
import contextlib
import http.client
import json
import re
import socket
import subprocess
from urllib.parse import urlencode

import psycopg
import pytest

from workshop.project.deploying import HERE, Front, ProductionServer, deployed, started
from workshop.project.python import settings_module
from workshop.project.serving import Server, require_no_exception
from workshop.system.nginx_server import real_nginx
from workshop.system.postgres_server import PostgresServer, postgres_programs
from workshop.system.processes import ServerError, free_port, project_environment
from workshop.system.redis_server import RedisServer
from workshop.visitors.histories import enter, guests, history, judge, until
from workshop.visitors.knocking import signed_up
from workshop.visitors.persistent import persistent_members

SECRET = "un-mot-de-passe-que-nul-journal-ne-doit-dire"
PHRASES = 120
GUESSES = 40
# Sans eux non plus, serve.py n'ouvre pas les réglages du développement.
FORCED = ("DJANGO_SETTINGS_MODULE", "DJANGO_DEBUG")
# Ce que donne ManifestStaticFilesStorage ; d'autres outils en mettent davantage.
HASHED = re.compile(r"\.[0-9a-f]{8,}\.(?:css|js)$")
ELSEWHERE = "127.0.0.2"


@pytest.fixture(scope="module")
def redis():
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def postgres():
    """Un PostgreSQL à cette vérification seule."""
    if not postgres_programs():
        pytest.skip(
            "Aucun PostgreSQL n'est trouvé sur cette machine : ce but n'est pas jugé. Le point "
            "de départ du chapitre dit comment en avoir un."
        )
    with PostgresServer() as running:
        yield running


@pytest.fixture(scope="module")
def production(project):
    """Les réglages de la production, sans les adresses de la base et de Redis."""
    settings = settings_module(project)
    own = settings.rpartition(".")[0] + ".production"
    if (project / (own.replace(".", "/") + ".py")).is_file():
        settings = own
    return {
        "DJANGO_SETTINGS_MODULE": settings,
        "DJANGO_DEBUG": "0",
        "DJANGO_SECRET_KEY": "une-cle-de-verification-de-plus-de-cinquante-caracteres",
        "DJANGO_ALLOWED_HOSTS": HERE,
    }


@pytest.fixture(scope="module")
def closed(production):
    """Tous les réglages, dont deux adresses où personne n'écoute."""
    port = free_port()
    return production | {
        "DATABASE_URL": f"postgresql://chat:{SECRET}@127.0.0.1:{port}/chat",
        "REDIS_URL": f"redis://127.0.0.1:{port}",
    }


@pytest.fixture(scope="module")
def pair(redis, postgres, project, python):
    """Deux serveurs du projet, sur la même base PostgreSQL et le même Redis."""
    shared = {"REDIS_URL": redis.url, "DATABASE_URL": postgres.url}
    servers = [Server(project, python, 0, shared) for _ in range(2)]
    with contextlib.ExitStack() as stack:
        yield started(stack, *servers)
        for server in servers:
            assert server.process.poll() is None, "Un des deux serveurs est tombé."


def manage(project, python, environment, *arguments) -> subprocess.CompletedProcess:
    """Lance une commande du projet ; renvoie son code et ce qu'elle dit."""
    try:
        return subprocess.run(
            [python, *arguments],
            cwd=project,
            env=project_environment() | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=60,
        )
    except subprocess.TimeoutExpired:
        pytest.fail(f"« python {' '.join(arguments)} » n'a pas fini après une minute.")


def last_line(said: str) -> str:
    return ([line for line in said.splitlines() if line.strip()] or ["(rien)"])[-1].strip()


async def test_database(postgres, pair):
    """Deux serveurs sur PostgreSQL : des numéros justes, rien de perdu quand il redémarre
    (facultatif)"""
    first, second = pair
    path = "/chat/registre/"
    with psycopg.connect(postgres.url) as one:
        asked = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        (tables,) = one.execute(asked).fetchone()
    if not tables:
        pytest.fail("DATABASE_URL mène à un PostgreSQL, et le projet n'y a pas fait ses tables.")
    async with (
        persistent_members(first.url, path, 4) as here,
        persistent_members(second.url, path, 4) as there,
    ):
        members = here + there
        before = sessions(postgres)
        await asyncio.gather(*(talk(one, i, PHRASES // 8) for i, one in enumerate(members)))
        await settle(members, PHRASES)
        opened = sessions(postgres) - before
        async with guests(first) as visitors:
            kept = await history(await enter(visitors, path))
        numbers = [one["number"] for one in kept]
        if numbers != [*range(1, len(numbers) + 1)]:
            pytest.fail(f"Les numéros du salon ne se suivent pas : {numbers[:20]}…")
        judge([one["text"] for one in kept], phrases(PHRASES // 8))
        if opened > PHRASES // 4:
            pytest.fail(
                f"Pour {PHRASES} messages, les deux serveurs ont ouvert plus de {PHRASES // 4} "
                "connexions à PostgreSQL. Un pool en garde quelques-unes, et les prête."
            )
        postgres.kill()
        await members[0].say("pendant la panne")
        await asyncio.sleep(1)
        postgres.start()
        await settle(members, PHRASES + 1)
        await members[1].say("après la panne")
        await settle(members, PHRASES + 2)
        async with guests(second) as visitors:
            kept = await history(await enter(visitors, path))
    said = [*phrases(PHRASES // 8), "pendant la panne", "après la panne"]
    judge([one["text"] for one in kept], said)
    for one in members:
        if len(one.read) != len(kept):
            pytest.fail(
                f"PostgreSQL est revenu. Le salon a gardé {len(kept)} messages ; quelqu'un en a lu "
                f"{len(one.read)}."
            )


def sessions(postgres) -> int:
    """Renvoie combien de connexions à la base « chat » ont été ouvertes jusqu'ici."""
    with psycopg.connect(postgres.url.rpartition("/")[0] + "/postgres") as one:
        asked = "SELECT sessions FROM pg_stat_database WHERE datname = 'chat'"
        return one.execute(asked).fetchone()[0]


def phrases(number: int) -> list[str]:
    return [f"phrase {i} de {who}" for who in range(8) for i in range(number)]


async def talk(member, who: int, number: int) -> None:
    for i in range(number):
        await member.say(f"phrase {i} de {who}")
        await asyncio.sleep(0.02)


async def settle(members, number: int) -> None:
    """Attend que tous aient tout lu ; s'arrête quand plus personne ne lit rien de neuf."""
    read = -1
    while read < (read := sum(len(one.read) for one in members)):
        await until(lambda: all(len(one.read) >= number and not one.unsent for one in members), 10)


def test_closed(project, python, closed):
    """En production, s'il manque un réglage, le serveur refuse de démarrer et dit lequel"""
    if not (project / "serve.py").is_file():
        pytest.fail("Le projet n'a pas de fichier serve.py, à côté de manage.py.")
    needed = ("DJANGO_SECRET_KEY", "DJANGO_ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL")
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in needed:
            given = {key: value for key, value in closed.items() if key not in (name, *FORCED)}
            servers[name] = ProductionServer(project, python, 0, given)
            stack.callback(servers[name].__exit__)
            servers[name].process = servers[name]._run()
        for name, server in servers.items():
            try:
                with server:
                    pytest.fail(f"En production, sans {name}, le serveur démarre pourtant.")
            except ServerError as refusal:
                last = last_line(refusal.log)
            if name not in last:
                pytest.fail(
                    f"En production, sans {name}, le serveur ne démarre pas, mais la dernière "
                    f"ligne de son journal ne la nomme pas : {last.partition(' (')[0]}"
                )


def test_unreachable(redis, project, python, closed):
    """Si PostgreSQL ne répond pas, le serveur refuse de démarrer, et dit pourquoi"""
    # Sans les migrations, qui échoueraient d'abord : c'est le serveur que l'on juge.
    nobody = ProductionServer(project, python, 0, closed | {"REDIS_URL": redis.url})
    nobody.process = nobody._run()
    try:
        with nobody:
            pytest.fail("DATABASE_URL mène à un PostgreSQL arrêté, et le serveur démarre pourtant.")
    except ServerError as refusal:
        log, last = refusal.log, last_line(refusal.log)
    if "PostgreSQL" not in last or "ImportError" in last or "ModuleNotFound" in last:
        pytest.fail(
            "DATABASE_URL mène à un PostgreSQL arrêté. Le serveur ne démarre pas, mais la dernière "
            f"ligne de son journal ne dit pas que PostgreSQL en est la cause : {last}"
        )
    if SECRET in log:
        pytest.fail("Le journal du serveur montre le mot de passe que porte DATABASE_URL.")


def test_deploy(project, python, closed):
    """En production, `check --deploy` ne trouve rien à redire"""
    checking = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    done = manage(project, python, closed, *checking)
    if done.returncode:
        warned = re.search(r"^\?: \((security\.\w+)\) .*?\b([A-Z]+_[A-Z_]+)", done.stdout, re.M)
        found = f"{warned[1]}, à propos de {warned[2]}" if warned else last_line(done.stdout)
        pytest.fail(f"« check --deploy » avertit encore : {found}")


LOOK = """
import django
django.setup()
from django.test import Client
page = Client().get("/", secure=True, headers={"host": "127.0.0.1", "x-forwarded-proto": "https"})
print(page.status_code, page.content.decode())
"""


def test_static(project, python, closed):
    """En production, une feuille de style porte son empreinte dans son nom"""
    done = manage(project, python, closed, "manage.py", "collectstatic", "--noinput")
    if done.returncode:
        pytest.fail(f"« collectstatic » échoue : {last_line(done.stdout)}")
    done = manage(project, python, closed, "-c", LOOK)
    sheets = re.findall(r'<link rel="stylesheet" href="([^"?#]+)', done.stdout)
    if done.returncode or not sheets:
        pytest.fail(f"En production, la page d'accueil ne se fait pas : {last_line(done.stdout)}")
    for sheet in sheets:
        if not HASHED.search(sheet):
            pytest.fail(
                f"La page d'accueil demande {sheet}, un nom qui ne change pas quand le fichier "
                "change : un navigateur garderait l'ancien."
            )
        name = sheet.rpartition("/")[2]
        if not any(project.rglob(name)):
            pytest.fail(
                f"La page d'accueil demande {sheet}, et collectstatic ne l'a mis nulle part."
            )


@pytest.fixture(scope="module")
def front(redis, postgres, project, python, production):
    if not real_nginx(python):
        pytest.skip(
            "Aucun nginx n'est trouvé sur cette machine : ce but n'est pas jugé. Le point de "
            "départ du chapitre dit comment en avoir un."
        )
    given = production | {"REDIS_URL": redis.url, "DATABASE_URL": fresh_database(postgres)}
    # Le but d'avant l'a fait, s'il est jugé aussi.
    if not (project / "staticfiles").is_dir():
        manage(project, python, given, "manage.py", "collectstatic", "--noinput")
    with deployed(project, given, python) as front, pytest.MonkeyPatch.context() as patch:
        # Ce que lisent tous ceux qui viennent de dehors.
        patch.setenv("SSL_CERT_FILE", str(front.authority))
        yield front


def asks(
    front: Front, path: str, form=None, address: str = HERE, **headers: str
) -> http.client.HTTPResponse:
    """Demande une page depuis une adresse, ou envoie un formulaire ; renvoie la réponse lue."""
    line = http.client.HTTPSConnection(HERE, front.port, timeout=10, source_address=(address, 0))
    said = {key.replace("_", "-"): value for key, value in headers.items()}
    if form is not None:
        said |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": front.url}
    with contextlib.closing(line):
        line.request("GET" if form is None else "POST", path, form and urlencode(form), said)
        answer = line.getresponse()
        answer.text = answer.read().decode(errors="replace")
        return answer


def fresh_database(postgres) -> str:
    with psycopg.connect(postgres.url, autocommit=True) as one:
        one.execute("CREATE DATABASE dehors")
    return postgres.url.rpartition("/")[0] + "/dehors"


async def test_front(front):
    """Derrière nginx, en TLS, on lit la page, on crée un compte et l'on parle (facultatif)"""
    page = await asyncio.to_thread(asks, front, "/chat/poneys/")
    if page.status in (301, 302):
        where = page.getheader("Location", "")
        pytest.fail(
            f"En HTTPS, la page d'un salon renvoie vers {where}, sans fin : le serveur ne sait pas "
            "que l'on est en TLS."
        )
    if page.status != 200:
        pytest.fail(f"Derrière nginx, la page d'un salon répond HTTP {page.status}.")
    for path in re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', page.text):
        file = await asyncio.to_thread(asks, front, path)
        if file.status != 200:
            pytest.fail(f"Derrière nginx, {path} répond HTTP {file.status} : personne ne le sert.")
        kind = file.getheader("Content-Type", "")
        if not kind.startswith("text/"):
            pytest.fail(f"nginx sert {path} comme « {kind} » : le navigateur n'en voudra pas.")
        if "max-age" not in file.getheader("Cache-Control", ""):
            pytest.fail(f"nginx sert {path} sans dire au navigateur qu'il peut le garder.")
    try:
        ada = await asyncio.to_thread(signed_up, front, "ada")
    except AssertionError as refusal:
        pytest.fail(f"Derrière nginx, on ne peut pas créer de compte. {refusal}")
    async with guests(front) as visitors:
        members = [await entered(visitors) for _ in range(4)]
        name = await ada.name()
        if name != "ada":
            pytest.fail(f"Derrière nginx, ada a un compte, et le chat la salue « {name} ».")
        await members[0].say(json.dumps({"type": "message", "key": None, "text": "de dehors"}))
        for one in members:
            heard = json.loads(await one.hear() or "{}").get("text")
            if heard != "de dehors":
                pytest.fail("Derrière nginx, ce que l'un dit ne s'entend pas chez tous.")
    for server in front.servers:
        require_no_exception(server)


async def entered(visitors):
    try:
        return await enter(visitors, "/chat/dehors/")
    except AssertionError as refusal:
        pytest.fail(f"Derrière nginx, personne n'entre par WebSocket. {refusal}")


def can_be(address: str) -> bool:
    """Renvoie True si cette machine a cette adresse."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind((address, 0))
        return True
    return False


async def test_address(front):
    """Derrière nginx, chacun est compté à son adresse, et ne peut pas en dire une autre
    (facultatif)"""
    if not can_be(ELSEWHERE):
        pytest.skip(
            f"Cette machine n'a pas l'adresse {ELSEWHERE} : ce but n'est pas jugé. Sous macOS, "
            f"« sudo ifconfig lo0 alias {ELSEWHERE} » la donne."
        )
    form = await asyncio.to_thread(login_form, front)
    if not await asyncio.to_thread(braked, front, form, "cible"):
        pytest.fail(f"{GUESSES} mots de passe essayés derrière nginx, sans jamais freiner.")
    if await asyncio.to_thread(guess, front, form, "cible", address=ELSEWHERE):
        pytest.fail(
            f"Quelqu'un devine un mot de passe depuis {HERE}, et {ELSEWHERE} est freinée aussi : "
            "pour le chat, tous ont l'adresse de nginx."
        )
    for i in range(GUESSES):
        if await asyncio.to_thread(guess, front, form, "autre", X_Forwarded_For=f"192.0.2.{i}"):
            break
    else:
        pytest.fail(
            f"{GUESSES} mots de passe essayés d'une seule adresse, sans jamais freiner : on se "
            "dit d'ailleurs, dans un en-tête X-Forwarded-For, et le chat le croit."
        )


def login_form(front: Front) -> tuple[str, dict[str, str]]:
    """Renvoie où envoyer un mot de passe, et ce que tout envoi porte : ses champs, son cookie."""
    page = asks(front, "/admin/login/")
    cookie = page.getheader("Set-Cookie", "").partition(";")[0]
    return cookie, {"csrfmiddlewaretoken": cookie.partition("=")[2]}


def guess(front: Front, form, name: str, **options) -> bool:
    """Essaie un mot de passe ; renvoie True si l'on est freiné."""
    cookie, fields = form
    said = fields | {"username": name, "password": "essai"}
    answer = asks(front, "/admin/login/", said, Cookie=cookie, **options)
    if answer.status not in (200, 429):
        pytest.fail(f"Derrière nginx, la page de connexion répond HTTP {answer.status}.")
    return answer.status == 429


def braked(front: Front, form, name: str) -> bool:
    return any(guess(front, form, name) for _ in range(GUESSES))
