# %% [markdown]
# # 13 · Deux visiteurs, dont un sans réseau
#
# À ouvrir après [le chapitre 13](../steps/13-tests/README.md). Vos tests parlent au chat par `WebsocketCommunicator`, sans réseau, ou par un vrai client. Ce carnet met les deux côte à côte, regarde ce que l'un voit et pas l'autre, puis fabrique un mutant à la main.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Le projet
#
# Pour essayer le vôtre, écrivez `"../live"`, redémarrez le noyau et relancez les cellules.

# %%
import sys

sys.path.append("..")

from workshop.publishing.kernel import start

project = "../solutions/13-tests"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Par le réseau
#
# Les lignes de `client.py`, sans Origin puis avec :

# %%
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

for origin in None, page:
    try:
        async with connect(address, origin=origin, proxy=None) as ws:
            print(await ws.recv())
            await ws.send("Salut les gens !")
            print(await ws.recv())
    except InvalidStatus as refusal:
        print("sans Origin, HTTP", refusal.response.status_code)

# %% [markdown]
# ## Sans réseau
#
# Ce noyau lit les réglages, puis importe l'application, comme le fait un test. **Sans Origin, que va renvoyer `connect` : une exception, un code HTTP, autre chose ?**

# %%
import os

sys.path.insert(0, str(server.project))
os.environ["DJANGO_SETTINGS_MODULE"] = "live.settings"

import django

# Les réglages d'abord : sans eux, live.asgi se croit en production.
django.setup()

from channels.testing import WebsocketCommunicator
from live.asgi import application

visitor = WebsocketCommunicator(application, "/chat/poneys/")
print(await visitor.connect())
await visitor.disconnect()

# %% [markdown]
# Un couple : la porte est restée fermée, avec le code 1000. Il n'y a pas de HTTP ici, donc pas de 403 ; et rien n'est levé. Un test qui ne regarde pas ce que renvoie `connect` ne saura pas pourquoi la suite échoue.
#
# Avec les en-têtes d'un navigateur :

# %%
headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]


async def enter():
    visitor = WebsocketCommunicator(application, "/chat/poneys/", headers)
    accepted, _ = await visitor.connect()
    assert accepted
    return visitor


ada = await enter()
print(await ada.receive_from())
await ada.send_to("Salut les gens !")
print(await ada.receive_from())

# %% [markdown]
# Les mêmes phrases. Mais un scope ne dit pas tout pareil. **D'où vient Ada, pour le serveur ?**

# %%
print(ada.scope.get("client"))

# %% [markdown]
# De nulle part : il n'y a pas d'adresse. Les limites par adresse ne comptent donc pas pour elle, et aucun test sans réseau ne peut les voir.

# %% [markdown]
# ## Le même salon ?
#
# Blaise entre par le réseau, dans `poneys`. Ada y est aussi, dans ce noyau. **Si Ada parle, Blaise l'entendra-t-il ?**

# %%
import asyncio
import json

blaise = await connect(address, origin=page, subprotocols=["json"], proxy=None)
print(json.loads(await blaise.recv())["type"])

await ada.send_to("Blaise, je suis là.")
print("Ada entend", await ada.receive_from())
try:
    async with asyncio.timeout(0.5):
        print("Blaise entend", await blaise.recv())
except TimeoutError:
    print("Blaise n'entend rien")

# %% [markdown]
# Non. La couche de canaux vit dans la mémoire d'un processus, et il y en a deux : ce noyau, et le serveur. **Et s'il demande l'histoire ?**

# %%
await blaise.send(json.dumps({"type": "before", "number": None}))
print([message["text"] for message in json.loads(await blaise.recv())["messages"]])
await blaise.close()

# %% [markdown]
# Tout y est, même la phrase qu'il n'a pas entendue : la base, elle, est dans un fichier que les deux processus partagent. (Ici, c'est voulu. Dans vos tests, c'est l'accident que `DJANGO_SETTINGS_MODULE` évite.)

# %% [markdown]
# ## Prouver un silence
#
# `receive_nothing` est une coroutine. **Sans `await`, que vaut-elle, pour un `assert` ?**

# %%
nothing = ada.receive_nothing()
print("sans await", bool(nothing))

await ada.send_to("Je parle, pourtant.")
print("avec await", await nothing)
print(await ada.receive_from())

# %% [markdown]
# Toujours vraie : un `assert` sur une coroutine ne peut pas échouer. Avec `await`, elle attend un dixième de seconde : sur une machine chargée, ce qui vient après lui échappe.
#
# L'autre façon d'attendre un silence est de laisser expirer `receive_from`. **Ada pourra-t-elle encore parler ?**

# %%
try:
    await ada.receive_from(timeout=0.1)
except TimeoutError:
    print("rien n'est venu")
try:
    await ada.send_to("Je suis encore là.")
except asyncio.CancelledError:
    print("l'application d'Ada est arrêtée")

# %% [markdown]
# Un silence ne s'attend donc pas : il se prouve. Ce que l'on dit ensuite doit s'entendre d'abord.

# %% [markdown]
# ## Un mutant, à la main
#
# Voici un test, et de quoi le lancer :


# %%
async def test_said_once():
    ada = await enter()
    await ada.receive_from()
    await ada.send_to("bonjour")
    await ada.send_to("au revoir")
    assert await ada.receive_from() == "<Anonymous troll> bonjour"
    assert await ada.receive_from() == "<Anonymous troll> au revoir"
    await ada.disconnect()


async def launch(test):
    try:
        await test()
    except AssertionError:
        return "échoue"
    return "réussit"


print("Le test", await launch(test_said_once))

# %% [markdown]
# Cassons le chat, dans la mémoire de ce noyau : chaque message est dit deux fois. **Le test le voit-il ? Le verrait-il sans sa dernière affirmation ?**

# %%
from chat.consumers import ChatConsumer

chat_message = ChatConsumer.chat_message


async def twice(self, event):
    await chat_message(self, event)
    await chat_message(self, event)


ChatConsumer.chat_message = twice
print("Sur le mutant, le test", await launch(test_said_once))

ChatConsumer.chat_message = chat_message
print("Sur le chat réparé, le test", await launch(test_said_once))

# %% [markdown]
# Rouge sur le mutant, vert sur le chat. Sans « au revoir », il aurait été vert deux fois : il aurait lu le premier exemplaire, et serait parti.

# %% [markdown]
# ## À explorer
#
# **1.** Faites un mutant qui oublie les chevrons autour du nom. Quelle ligne du test le voit ?
#
# <details><summary>Réponse</summary>
#
# La première comparaison, par `==`, à la phrase entière. Un test qui chercherait `"bonjour" in …` ne verrait rien.
#
# </details>
#
# **2.** Lancez `test_said_once` deux fois de suite, et lisez l'histoire du salon. Qu'y a-t-il ? Pourquoi n'est-ce pas le cas avec pytest ?
#
# <details><summary>Réponse</summary>
#
# Tous les « bonjour » et tous les « au revoir » y sont : ici, rien ne vide la base entre deux essais. C'est le travail de `transactional_db`.
#
# </details>
#
# **3.** Envoyez une trame de 100 000 caractères, par Blaise puis par une nouvelle Ada. Qui répond, et quoi ?
#
# <details><summary>Réponse</summary>
#
# À Blaise, daphne raccroche, avec le code 1009. À Ada, c'est le consommateur qui répond « Refusé », parce que le texte est trop long : la trame n'a jamais existé, et daphne ne l'a pas vue.
#
# </details>
