# %% [markdown]
# # 07 · Deux langues, et une ruée
#
# À ouvrir après [le chapitre 07](../steps/07-javascript/README.md). La page parle au serveur sans rien montrer de ce qu'ils se disent. Ce carnet se met à sa place : il demande la page, puis la
# conversation, puis il calcule ce qui se passe quand mille pages reviennent ensemble.
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
# ## La ruée
#
# Mille pages sont coupées à l'instant 0. Voici la formule de `wait`, en Python, avec le hasard et sans lui. Le serveur reste arrêté : chaque page essaie, échoue, attend davantage.

# %%
import random
from collections import Counter

PAGES, LONGEST_WAIT = 1000, 30


def arrivals(jitter, seconds=8):
    """Renvoie combien de pages frappent dans chaque dixième de seconde."""
    chance = random.Random(7)
    found = Counter()
    for _ in range(PAGES):
        clock, failures = 0.0, 0
        while True:
            full = min(LONGEST_WAIT, 2**failures)
            clock += full * (0.5 + chance.random() / 2) if jitter else full
            failures += 1
            if clock > seconds:
                break
            found[int(clock * 10)] += 1
    return found


# %% [markdown]
# **Dans le pire dixième de seconde, combien de pages frappent ensemble, sans hasard, puis avec ?**

# %%
for jitter in False, True:
    found = arrivals(jitter)
    print("avec hasard" if jitter else "sans hasard", max(found.values()))

# %% [markdown]
# Sans hasard, les délais ont beau grandir, elles reviennent toujours toutes ensemble. Avec lui, la première vague s'étale sur une demi-seconde, la suivante sur une et demie, et ainsi de suite.
#
# Un caractère pour vingt-cinq pages, une ligne par dixième de seconde. **À quoi ressemblent les deux premières secondes ?**

# %%
without, with_it = arrivals(False), arrivals(True)
for tenth in range(4, 21):
    bars = ["█" * (found[tenth] // 25) for found in (without, with_it)]
    print(f"{tenth / 10:.1f} s  {bars[0]:40}  {bars[1]}".rstrip())

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
# **2.** Dans `arrivals`, remplacez `0.5 + chance.random() / 2` par `chance.random()`. Que devient le pire dixième de seconde, et qu'a-t-on perdu ?
#
# <details><summary>Réponse</summary>
#
# La vague s'étale sur toute la seconde au lieu de la moitié. Mais certaines pages reviennent presque aussitôt, avant que le serveur n'ait eu le temps de se lever.
#
# </details>
#
# **3.** Ouvrez la page de ce serveur dans votre navigateur (`print(page)`), puis tapez `server.stop()` dans une cellule. Que dit la page ?
#
# <details><summary>Réponse</summary>
#
# « reconnexion dans 1 s », puis des délais qui grandissent. Relancez la cellule du projet : le nouveau serveur a un autre port, et la page l'attendra en vain.
#
# </details>
