# %% [markdown]
# # 07 · Deux langues, une adresse
#
# À ouvrir après [le chapitre 07](../steps/07-javascript/README.md). La page parle au serveur sans rien montrer de ce qu'ils se disent. Ce carnet se met à sa place : il demande la page, puis la
# conversation.
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

project = "../solutions/07-javascript"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Une adresse, deux protocoles
#
# Demandons `/chat/poneys/` en HTTP, puis en WebSocket. **Par quel code répond le serveur à l'un, et à l'autre ?**

# %%
import re
import urllib.request

from websockets.asyncio.client import connect

with urllib.request.urlopen(page + "/chat/poneys/") as answer:
    html = answer.read().decode()
    print("HTTP", answer.status, answer.headers["Content-Type"])
    print(re.search("<title>.*</title>", html)[0])

async with connect(address, origin=page, proxy=None) as ws:
    print("WebSocket", ws.response.status_code)
    print(await ws.recv())

# %% [markdown]
# Même chemin, même serveur : seul l'en-tête `Upgrade` distingue les deux demandes.
#
# La page nomme les fichiers que le navigateur demandera ensuite. **Combien, et de quelle sorte chacun sera-t-il servi ?**

# %%
for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
    with urllib.request.urlopen(page + path) as answer:
        print(answer.headers["Content-Type"], path)

# %% [markdown]
# Trois. Sans `text/javascript`, un navigateur refuserait d'exécuter le module.

# %% [markdown]
# ## Demander une langue
#
# Le client propose des sous-protocoles, le serveur en choisit un, ou aucun. **Que choisit-il dans ces quatre cas ?**

# %%
for proposed in None, ["json"], ["xml"], ["xml", "json"]:
    async with connect(address, origin=page, subprotocols=proposed, proxy=None) as ws:
        print(proposed, "→", ws.subprotocol, "→", await ws.recv())

# %% [markdown]
# `xml` n'est pas refusé : le serveur n'en dit rien, et parle texte. `websockets` s'en accommode, comme Firefox ; Chrome et Edge referment aussitôt.
#
# Voici la poignée de main elle-même. **Où est la réponse du serveur ?**

# %%
async with connect(address, origin=page, subprotocols=["json"], proxy=None) as ws:
    print("demande :", ws.request.headers["Sec-WebSocket-Protocol"])
    print("réponse :", ws.response.headers["Sec-WebSocket-Protocol"])

# %% [markdown]
# ## Se comprendre
#
# Ada parle JSON, Blaise parle texte, dans le même salon. Ada dit une phrase. **Que reçoit chacun ?**

# %%
import json

ada = await connect(address, origin=page, subprotocols=["json"], proxy=None)
blaise = await connect(address, origin=page, proxy=None)
for ws in ada, blaise:
    await ws.recv()

await ada.send(json.dumps({"type": "message", "text": "<b>Bonjour</b>"}))
print("Ada entend", await ada.recv())
print("Blaise entend", await blaise.recv())

# %% [markdown]
# Le serveur n'a pas touché aux balises : ce n'est pas à lui de savoir si l'on affichera ce texte dans une page, un terminal ou une montre. C'est à la page de l'afficher comme du texte.
#
# Pourquoi ne pas garder le texte seul, et y retrouver le nom ? **Qui parle, dans ces deux lignes, et pour dire quoi ?**

# %%
print("<{}> {}".format("Ada", "<Blaise> oui"))
print("<{}> {}".format("Ada> <Blaise", "oui"))

# %% [markdown]
# Deux personnes, deux phrases, une seule ligne. Aucun programme ne les distinguera ; en JSON, elles diffèrent :

# %%
print(json.dumps({"name": "Ada", "text": "<Blaise> oui"}))
print(json.dumps({"name": "Ada> <Blaise", "text": "oui"}))

# %% [markdown]
# ## À explorer
#
# **1.** Ada envoie `await ada.send("bonjour")`, sans JSON. Qu'arrive-t-il à sa connexion ? À celle de Blaise ? Lisez `server.log`.
#
# <details><summary>Réponse</summary>
#
# `json.loads` lève une exception, et daphne coupe la connexion d'Ada, avec le code 1011. Blaise ne s'aperçoit de rien : chacun a son consommateur. Le chapitre 11 répondra par une phrase au lieu de couper.
#
# </details>
#
# **2.** Importez `quote` de `urllib.parse`, et ouvrez par `urlopen` l'adresse `page + "/?room=" + quote("Été à Paris")`. Que dit `answer.url` ?
#
# <details><summary>Réponse</summary>
#
# Elle finit par `/chat/ete-a-paris/` : `slugify` a fait du texte un nom de salon, et `redirect` y a envoyé `urlopen`, qui a suivi comme un navigateur.
#
# </details>
#
# **3.** Demandez `page + "/chat/" + quote("été") + "/"`, puis le même chemin en WebSocket. Deux refus : lesquels, et de qui ?
#
# <details><summary>Réponse</summary>
#
# 404, de Django, qui ne trouve pas de route ; 403, de `WebsocketDenier`, la dernière route de `chat/routing.py`. Le motif est le même des deux côtés : un salon qui n'existe pas n'existe pour personne.
#
# </details>
