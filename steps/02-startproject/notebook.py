# %% [markdown]
# # 02 · Ce que demande un WebSocket
#
# À ouvrir après [le chapitre 02](../steps/02-startproject/README.md). Le projet répond dans le navigateur, et `client.py` entend `HTTP 404`. Ce carnet regarde ce qu'il a demandé, mot pour mot, et
# pourquoi on lui a répondu cela.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Le projet
#
# Cette cellule démarre le serveur d'une copie du projet, sur un port libre. Pour essayer le vôtre, écrivez `"../live"` et relancez les cellules depuis celle-ci.

# %%
import sys

sys.path.append("..")

from workshop.publishing.kernel import start

project = "../solutions/02-startproject"
server = start(project)

# %% [markdown]
# Les deux adresses de `client.py` : celle du salon, et celle de la page d'où il dit venir.

# %%
page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Frapper
#
# Les lignes de `client.py`, avec `await` devant ce qui attend. **Que va dire le serveur, sans Origin, puis avec ?**

# %%
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

for origin in None, page:
    try:
        async with connect(address, origin=origin, proxy=None) as ws:
            print(await ws.recv())
    except InvalidStatus as refusal:
        response = refusal.response
        print("avec Origin," if origin else "sans Origin,", "HTTP", response.status_code)

# %% [markdown]
# Un refus, et un refus bien élevé : une réponse HTTP complète, avec ses en-têtes et une page. **Qui l'a écrite ? Et dans quelle langue est la page ?**

# %%
print(response.status_code, response.reason_phrase)
print("Server", response.headers["Server"].split()[0])
print("Content-Type", response.headers["Content-Type"])
print(response.body.decode().splitlines()[1])

# %% [markdown]
# `WSGIServer` est le serveur de développement de Django. La page est celle, en anglais, de tous les chemins inconnus. Et voici le journal du serveur, de l'autre côté.
#
# **Y lirez-vous le mot « WebSocket » ?**

# %%
print(await server.journal("404"))
print(await server.journal("404"))

# %% [markdown]
# Nulle part. Pour ce serveur, on lui a demandé une page, deux fois, par un `GET` tout à fait ordinaire.

# %% [markdown]
# ## Ce que le client demande vraiment
#
# Pour le lire, prenons la place du serveur : un tout petit programme, qui note ce qu'on lui dit et répond 404, lui aussi. **À quoi va ressembler la demande ?**

# %%
import asyncio

requests = []


async def listen(reader, writer):
    requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
    writer.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
    writer.close()


listener = await asyncio.start_server(listen, "127.0.0.1", 0)
port = listener.sockets[0].getsockname()[1]
try:
    await connect(f"ws://127.0.0.1:{port}/chat/poneys/", proxy=None)
except InvalidStatus as refusal:
    print("HTTP", refusal.response.status_code)
listener.close()

changing = ("Host", "Sec-WebSocket-Key", "User-Agent")
for line in requests[0].splitlines()[:-1]:
    name, _, value = line.partition(": ")
    print(name, "…" if name in changing else value)

# %% [markdown]
# C'est du HTTP, ligne pour ligne : `GET`, un chemin, une machine. `Connection` et `Upgrade` demandent à changer de langue : parlons HTTP une dernière fois, et ensuite parlons *websocket*. Les lignes
# en `Sec-WebSocket` règlent le détail de cette autre langue. La clé est tirée au hasard ; elle servira de preuve au chapitre 04.
#
# Un serveur qui ne connaît pas cette autre langue n'est pas perdu. Il lit la première ligne, cherche la page, et ne la trouve pas.

# %% [markdown]
# ## La même demande, sans rien de neuf
#
# Demandons le même chemin comme le ferait un navigateur. **La réponse est-elle différente ?**

# %%
from urllib.error import HTTPError
from urllib.request import urlopen


def ask(path):
    try:
        return urlopen(page + path).status
    except HTTPError as refusal:
        return refusal.code


for path in "/chat/poneys/", "/", "/admin/login/":
    print(path, "HTTP", await asyncio.to_thread(ask, path))

# %% [markdown]
# La même. WSGI, par où passe ce serveur, ne sait dire qu'une chose : voici une demande, rends une réponse. Il n'a pas de mots pour une conversation. Le chapitre 03 change de serveur.

# %% [markdown]
# ## À explorer
#
# **1.** Retirez le dernier `/` de l'adresse. Que répond le serveur ?
#
# <details><summary>Réponse</summary>
#
# Encore 404. Django sait ajouter la barre qui manque, mais seulement quand l'adresse complétée est connue : elle ne l'est pas.
#
# </details>
#
# **2.** `"/admin/login/"` répond 200 à un navigateur. Que répond-elle à `connect` ? Pourquoi n'est-ce pas un 101 ?
#
# <details><summary>Réponse</summary>
#
# `InvalidStatus`, avec HTTP 200. Le serveur a donné la page ; seul 101 veut dire « changeons de langue », et le client refuse tout le reste.
#
# </details>
#
# **3.** Dans le journal, quelle est la taille de la page 404 ? D'où viennent ces octets ?
#
# <details><summary>Réponse</summary>
#
# Le dernier nombre de la ligne. Tant que `DEBUG` vaut `True`, cette page énumère les adresses que le projet connaît : affichez `response.body.decode()` pour la lire.
#
# </details>
