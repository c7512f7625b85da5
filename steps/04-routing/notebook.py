# %% [markdown]
# # 04 · La poignée de main
#
# À ouvrir après [le chapitre 04](../steps/04-routing/README.md). La porte s'ouvre, et `client.py` entend le silence. Ce carnet regarde la *handshake* (poignée de main) dans le détail : qui demande quoi,
# qui prouve quoi, qui est refusé, et comment on se quitte.
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

project = "../solutions/04-routing"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Trois visiteurs
#
# Les lignes de `client.py`, et une Origin de plus : celle d'un site qui n'est pas le nôtre. **Qui entre ?**

# %%
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

for who, origin in {
    "sans Origin": None,
    "une de nos pages": page,
    "un autre site": "http://ailleurs.example",
}.items():
    try:
        async with connect(address, origin=origin, proxy=None) as ws:
            print(f"{who} entre, HTTP", ws.response.status_code)
    except InvalidStatus as refusal:
        print(f"{who} reste dehors, HTTP", refusal.response.status_code)

# %% [markdown]
# L'Origin est ce que le navigateur dit de la page qui demande. Un programme peut y écrire ce qu'il veut ; une page, non. Le validateur protège donc les visiteurs, et non le serveur : il empêche un
# autre site de parler au chat à leur place.
#
# Le journal, maintenant. **Combien de lignes pour chacun des trois ?**

# %%
for _ in range(3):
    print(await server.journal("DISCONNECT"), "\n")

# %% [markdown]
# `HANDSHAKING` : quelqu'un frappe. `REJECT` ou `CONNECT` : la réponse du projet. `DISCONNECT` : c'est fini, dans tous les cas.

# %% [markdown]
# ## Ce qu'ils se sont dit
#
# Une connexion qui reste ouverte, pour la regarder à loisir.

# %%
ws = await connect(address, origin=page, proxy=None)
print(ws.response.status_code, ws.response.reason_phrase)
for name in "Server", "Upgrade", "Connection":
    print(name, ws.response.headers[name])

# %% [markdown]
# 101, changeons de langue. Il y a un en-tête de plus, `Sec-WebSocket-Accept`, qui n'est jamais deux fois le même : il répond à la clé que le client a tirée au hasard. La norme en donne la
# recette : accolez à la clé un texte convenu, prenez-en l'empreinte SHA-1, écrivez-la en base64.
#
# **Allez-vous trouver la même chose que le serveur ?**

# %%
from base64 import b64encode
from hashlib import sha1

key = ws.request.headers["Sec-WebSocket-Key"]
convened = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
proof = b64encode(sha1((key + convened).encode()).digest()).decode()
print(proof == ws.response.headers["Sec-WebSocket-Accept"])

# %% [markdown]
# Ce n'est pas un secret : tout le monde connaît la recette (RFC 6455, § 1.3). C'est une preuve de compréhension. Un serveur qui répondrait 101 par hasard ne saurait pas faire ce calcul.

# %% [markdown]
# ## Le silence
#
# La porte est ouverte. Parlons, et écoutons une demi-seconde. **Qu'entend-on ?**

# %%
import asyncio

await ws.send("Salut les gens !")
try:
    async with asyncio.timeout(0.5):
        print(await ws.recv())
except TimeoutError:
    print("silence")

# %% [markdown]
# Rien : le consommateur accepte, et n'écrit jamais. Mais une connexion muette n'est pas une connexion morte. Un *ping* demande à l'autre bout s'il est là ; le protocole y répond, sans que le projet
# ait rien à faire. **Le serveur répond-il ?**

# %%
async with asyncio.timeout(2):
    await (await ws.ping())
print("pong")

# %% [markdown]
# ## Se quitter
#
# On ne raccroche pas : on dit au revoir, avec un code, et l'autre répond. **Quel code, pour une fin ordinaire ?**

# %%
await ws.close()
print(ws.close_code)
print(await server.journal("DISCONNECT"))

# %% [markdown]
# 1000, fin normale. Retenez aussi 1006, que personne n'envoie jamais : c'est ce que note un client dont la connexion a été coupée sans un mot.

# %% [markdown]
# ## Une adresse sans route
#
# Demandons un chemin que la route ne connaît pas. **Un 404, comme pour une page ?**

# %%
try:
    await connect(page.replace("http", "ws") + "/salon/poneys/", origin=page, proxy=None)
except InvalidStatus as refusal:
    print("HTTP", refusal.response.status_code)
print(await server.journal("DISCONNECT"))

# %% [markdown]
# Une erreur 500, et une trace dans le journal. Le chapitre 05 y remédie.

# %% [markdown]
# ## À explorer
#
# **1.** Écrivez `origin="http://127.0.0.1"`, sans le port. Le visiteur entre-t-il ?
#
# <details><summary>Réponse</summary>
#
# Oui. Le validateur compare le nom de la machine à `ALLOWED_HOSTS`, qui ne parle pas de port. Une page servie par un autre programme de votre machine est donc acceptée aussi.
#
# </details>
#
# **2.** Fermez par `await ws.close(4000, "à demain")`. Que disent `ws.close_code` et `ws.close_reason` ?
#
# <details><summary>Réponse</summary>
#
# Ce que vous avez écrit : de 4000 à 4999, les codes sont à vous. Le chat s'en servira pour dire pourquoi il refuse.
#
# </details>
#
# **3.** Ouvrez trois connexions, une par ligne, sans les fermer. Combien de consommateurs vivent alors dans le serveur ?
#
# <details><summary>Réponse</summary>
#
# Trois : une instance de `ChatConsumer` par connexion. Le journal montre trois `CONNECT`, et aucun `DISCONNECT` tant que vous n'avez pas fermé, ou relancé `start`.
#
# </details>
