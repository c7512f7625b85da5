# %% [markdown]
# # 03 · Deux langues, un port
#
# À ouvrir après [le chapitre 03](../steps/03-settings/README.md). Le serveur a changé, et `client.py` entend `HTTP 500`. C'est un progrès : ce carnet montre en quoi.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Le projet
#
# Pour essayer le vôtre, écrivez `"../live"` et relancez les cellules depuis celle-ci.

# %%
import sys

sys.path.append("..")

from workshop.publishing.kernel import start

project = "../solutions/03-settings"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Frapper
#
# Les lignes de `client.py`, avec l'Origin d'une de nos pages. **Le nouveau serveur va-t-il ouvrir ?**

# %%
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

try:
    async with connect(address, origin=page, proxy=None) as ws:
        print(await ws.recv())
        await ws.send("Salut les gens !")
        print(await ws.recv())
except InvalidStatus as refusal:
    response = refusal.response
    print("HTTP", response.status_code)

# %% [markdown]
# Pas encore. Au chapitre 02, le refus était une page, avec ses en-têtes. **Que contient celui-ci ?**

# %%
print(len(response.body), "octet de page")
print(list(response.headers) or "aucun en-tête")

# %% [markdown]
# Rien. Le serveur n'a pas voulu en dire plus : une erreur est survenue, et elle ne regarde pas le visiteur. Le détail est dans le journal. **Qui a commis l'erreur : le client, le serveur, le projet ?**

# %%
print(await server.journal("DISCONNECT"))

# %% [markdown]
# La première ligne est nouvelle : `WebSocket HANDSHAKING`. Daphne a reconnu la demande, il sait ce qu'est une *handshake* (poignée de main). Il l'a portée au projet.
#
# Et c'est le projet qui n'a pas su : « *Django can only handle ASGI/HTTP connections, not websocket* ». Django ne parle que HTTP. Il lui manque quelqu'un qui sache quoi faire d'une conversation : le
# chapitre 04.

# %% [markdown]
# ## Les pages marchent-elles encore ?
#
# Le serveur a changé de métier. **A-t-il oublié le premier ?**

# %%
import asyncio
import re
from urllib.request import urlopen

for path in "/", "/admin/login/":
    answer = await asyncio.to_thread(urlopen, page + path)
    html = answer.read().decode()
    print(path, "HTTP", answer.status, "par", answer.headers.get("Server", "on ne sait qui"))
    print(re.search("<html[^>]*>", html)[0], re.search("<title>([^<]*)", html)[1].strip())

# %% [markdown]
# Les pages sont là, en français. Un port, deux langues : Daphne lit la requête, y voit ou non `Upgrade: websocket`, et choisit.

# %% [markdown]
# ## Ce que daphne donne au projet
#
# ASGI appelle le projet comme une coroutine, avec un dictionnaire, le *scope*. Jouons à être daphne : donnons au projet une demande de chaque sorte, sans réseau du tout. La cellule lit le projet dans
# un autre Python, comme le ferait le serveur.
#
# **Laquelle des deux va réussir ?**

# %%
import subprocess

play_daphne = """
import asyncio
from live.asgi import application

async def receive():
    if asked:
        await asyncio.sleep(60)
    asked.append(True)
    return {"type": "http.request", "body": b""}

async def send(event):
    print("   ", event["type"], event.get("status", ""))

async def ask(scope):
    try:
        await application(scope, receive, send)
    except Exception as error:
        print("   ", type(error).__name__, "-", error)

for kind in "http", "websocket":
    headers = [(b"host", b"localhost")]
    scope = {"type": kind, "method": "GET", "path": "/admin/login/", "headers": headers}
    asked = []
    print(kind)
    asyncio.run(ask(scope))
"""
done = subprocess.run(
    [server.python, "-c", play_daphne], cwd=server.project, capture_output=True, text=True
)
print(done.stdout or done.stderr)

# %% [markdown]
# Pour une page, le début de la réponse, puis son corps, en plusieurs événements. Pour un WebSocket, l'exception que vous avez lue dans le journal. Ce n'est donc pas une affaire de réseau : un dictionnaire entre,
# et Django n'a rien prévu pour lui.

# %% [markdown]
# ## À explorer
#
# **1.** Retirez `origin=page`. La réponse change-t-elle ?
#
# <details><summary>Réponse</summary>
#
# Non. Personne ne regarde encore d'où vient le client : l'erreur vient avant.
#
# </details>
#
# **2.** Essayez `connect` sur `/admin/login/`, qui répond 200 à un navigateur. Est-ce encore une affaire de chemin ?
#
# <details><summary>Réponse</summary>
#
# HTTP 500 là aussi. Au chapitre 02, Django cherchait le chemin ; ici, il s'arrête au type de la demande, avant d'avoir regardé le chemin.
#
# </details>
#
# **3.** Dans `play_daphne`, remplacez le type par `"lifespan"`. Que dit Django ?
#
# <details><summary>Réponse</summary>
#
# La même phrase, avec `lifespan` : c'est le troisième type de la norme ASGI, par lequel certains serveurs annoncent qu'ils démarrent et qu'ils s'arrêtent.
#
# </details>
