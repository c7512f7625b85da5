# %% [markdown]
# # 16 · Croire, exiger, prêter
#
# À ouvrir après [le chapitre 16](../steps/16-production/README.md). Le chat est déployé. Ce carnet reprend trois choses qui ne se voient pas : l'adresse que l'on croit, la variable qui manque, et le numéro que deux serveurs prennent à la fois.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Deux serveurs, une réponse
#
# Le même chat, sous daphne puis sous uvicorn, avec les lignes de `client.py`. Pour essayer le vôtre, écrivez `"../live"`. **Qu'est-ce qui change dans la réponse ?**

# %%
import sys

sys.path.append("..")

from websockets.asyncio.client import connect

from workshop.project.serving import Server
from workshop.publishing.kernel import start

project = "../solutions/16-production"
copy = start(project).project
development = {"DJANGO_SETTINGS_MODULE": "live.settings"}

for program in "daphne", "uvicorn":
    server = Server(
        copy, environment=development, application="live.asgi:application", program=program
    )
    with server:
        address = server.url.replace("http", "ws") + "/chat/poneys/"
        async with connect(address, origin=server.url, proxy=None) as ws:
            welcome = await ws.recv()
            await ws.send("Salut les gens.")
            print(program, "·", welcome, "·", await ws.recv())

# %% [markdown]
# Rien. ASGI est la convention entre un serveur et un projet, depuis le chapitre 03 : on change l'un sans toucher à l'autre.

# %% [markdown]
# ## L'adresse que l'on croit
#
# Une requête vient de `seen`, avec un en-tête `X-Forwarded-For`. uvicorn la passe par cette classe avant le chat. **Quelle adresse le chat verra-t-il, dans chacun de ces cas ?**

# %%
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware


async def believed(seen, said, trusted="127.0.0.1"):
    """Renvoie l'adresse que voit l'application, derrière uvicorn."""
    scope = {"type": "http", "client": (seen, 40000), "headers": [(b"x-forwarded-for", said)]}

    async def application(scope, receive, send):
        pass

    await ProxyHeadersMiddleware(application, trusted)(scope, None, None)
    return scope["client"][0]


print("nginx dit la vraie :", await believed("127.0.0.1", b"203.0.113.7"))
print("un inconnu dit une autre :", await believed("198.51.100.9", b"203.0.113.7"))
print("une liste, par nginx :", await believed("127.0.0.1", b"1.2.3.4, 203.0.113.7"))
print("la même, et l'on croit * :", await believed("127.0.0.1", b"1.2.3.4, 203.0.113.7", "*"))

# %% [markdown]
# De nginx, on croit ce qu'il dit. D'un inconnu, rien. D'une liste, la dernière en qui l'on n'a pas confiance : c'est nginx qui l'a ajoutée. Et à qui croit tout le monde, le visiteur choisit son adresse : `1.2.3.4` est ce qu'il a écrit lui-même.

# %% [markdown]
# ## Et daphne ?
#
# Avec `--proxy-headers`, daphne lit le même en-tête, par cette fonction. **Laquelle des deux adresses prend-elle ?**

# %%
from daphne.utils import parse_x_forwarded_for

headers = {b"X-Forwarded-For": [b"1.2.3.4, 203.0.113.7"]}
print(parse_x_forwarded_for(headers)[0][0])

# %% [markdown]
# La première, celle du visiteur. Ce n'est sûr que derrière un mandataire qui écrase l'en-tête, comme le fait votre nginx.

# %% [markdown]
# ## La variable qui manque
#
# Toutes les variables sont là, sauf une. **Que dit la dernière ligne du serveur, pour chacune ?**

# %%
import os
import subprocess

everything = {
    "DJANGO_SECRET_KEY": "une-cle-de-carnet",
    "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
    "DATABASE_URL": "postgresql://chat@127.0.0.1:1/chat",
    "REDIS_URL": "redis://127.0.0.1:1",
}
base = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
base |= {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def last_words(environment):
    """Renvoie la dernière ligne de ce que dit un serveur qui refuse de démarrer."""
    done = subprocess.run(
        [sys.executable, "serve.py", "8765"],
        cwd=copy,
        env=base | environment,
        capture_output=True,
        encoding="utf-8",
    )
    return done.stderr.strip().splitlines()[-1].partition(": ")[2]


for name in everything:
    print(last_words({other: everything[other] for other in everything if other != name}))

# %% [markdown]
# Chaque phrase nomme la sienne. **Et quand tout est là, mais que personne n'écoute sur le port 1 ?**

# %%
print(last_words(everything).partition("(")[0])

# %% [markdown]
# Les réglages sont complets, et faux. C'est `introduce` qui parle, cette fois. Un réglage se lit ; un service s'essaie.

# %% [markdown]
# ## Le numéro que deux prennent à la fois
#
# Voici un PostgreSQL, s'il y en a un sur cette machine. Deux écrivains, chacun dans son fil, lisent le dernier numéro d'un salon, ajoutent un, et gardent. **Combien de numéros différents, sur deux cents ?**

# %%
import contextlib
from concurrent.futures import ThreadPoolExecutor

import psycopg

from workshop.system.postgres_server import PostgresServer, postgres_programs

stack = contextlib.ExitStack()
url = stack.enter_context(PostgresServer()).url if postgres_programs() else None
if url:
    with psycopg.connect(url) as one:
        one.execute("CREATE TABLE salon (nom text, dernier int)")
        one.execute("INSERT INTO salon VALUES ('poneys', 0)")
print("PostgreSQL répond." if url else "Pas de PostgreSQL ici : lisez les réponses.")


def hundred(lock):
    """Prend cent numéros, l'un après l'autre ; les renvoie."""
    taken = []
    with psycopg.connect(url) as one:
        for _ in range(100):
            with one.transaction():
                found = one.execute(f"SELECT dernier FROM salon {lock}").fetchone()[0]
                one.execute("UPDATE salon SET dernier = %s", [found + 1])
                taken.append(found + 1)
    return taken


def different(lock):
    """Renvoie combien de numéros différents prennent deux écrivains ensemble."""
    with ThreadPoolExecutor(2) as pool:
        return len({number for taken in pool.map(hundred, [lock, lock]) for number in taken})


if url:
    print("deux cents" if different("") == 200 else "moins de deux cents")

# %% [markdown]
# Moins de deux cents : le même numéro a été donné deux fois. C'était déjà vrai du seau du chapitre 14. **Et si celui qui lit retient la ligne, jusqu'à ce qu'il ait écrit ?**

# %%
if url:
    print("deux cents" if different("FOR UPDATE") == 200 else "moins de deux cents")

# %% [markdown]
# Deux cents. `FOR UPDATE` est ce qu'écrit `select_for_update`, et c'est pour lui qu'il est dans votre `history.py` depuis le chapitre 09 : SQLite, qui n'a qu'un écrivain, n'en avait pas besoin.

# %% [markdown]
# ## Ce que coûte une connexion
#
# **Combien de fois plus de temps pour cent questions, si chacune ouvre sa connexion ?**

# %%
import time


def lasts(work):
    started = time.monotonic()
    work()
    return time.monotonic() - started


def each_its_own():
    for _ in range(100):
        with psycopg.connect(url) as one:
            one.execute("SELECT 1")


def all_the_same():
    with psycopg.connect(url) as one:
        for _ in range(100):
            one.execute("SELECT 1")


if url:
    ratio = lasts(each_its_own) / lasts(all_the_same)
    print("plusieurs fois plus" if ratio > 2 else "autant")
stack.close()

# %% [markdown]
# Plusieurs fois plus, et PostgreSQL a fait naître cent processus. Un pool les prête, et les essaie avant.

# %% [markdown]
# ## À explorer
#
# **1.** Donnez deux confiances à `believed`, celle de nginx et celle d'un répartiteur : `trusted="127.0.0.1,10.0.0.1"`, et l'en-tête `b"1.2.3.4, 203.0.113.7, 10.0.0.1"`. Quelle adresse en sort ?
#
# <details><summary>Réponse</summary>
#
# `203.0.113.7` : en partant de la fin, la première que l'on ne connaît pas.
#
# </details>
#
# **2.** Mettez dix écrivains au lieu de deux dans `different`, avec `FOR UPDATE`. Est-ce cinq fois plus rapide ?
#
# <details><summary>Réponse</summary>
#
# Non : ils attendent la même ligne, chacun son tour. Un salon n'a qu'un compteur ; c'est aux salons, et non aux écrivains, que PostgreSQL doit sa largeur.
#
# </details>
#
