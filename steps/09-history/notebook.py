# %% [markdown]
# # 09 · L'histoire, trame par trame
#
# À ouvrir après [le chapitre 09](../steps/09-history/README.md). Le salon garde, et répond à deux questions. Ce carnet tient la conversation de la page à sa place, arrête le serveur, et remonte un long salon.
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

project = "../solutions/09-history"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Une question, une réponse
#
# La page parle JSON : elle demande le sous-protocole `json`, et chaque trame est un objet. **Dans un salon neuf, que répond le serveur à `before` ?**

# %%
import json

from websockets.asyncio.client import connect


async def enter(room="poneys"):
    """Entre comme la page, dont la bienvenue vient aussitôt."""
    there = address.replace("poneys", room)
    return await connect(there, origin=page, subprotocols=["json"], proxy=None)


async def tell(ws, **frame):
    await ws.send(json.dumps(frame))


async def hear(ws):
    """Renvoie la prochaine trame, sans l'heure, qui change d'une fois à l'autre."""
    frame = json.loads(await ws.recv())
    for message in [frame, *frame.get("messages", [])]:
        message.pop("sent", None)
    return frame


ada = await enter()
print(await ada.recv())
await tell(ada, type="before", number=None)
print(await hear(ada))

# %% [markdown]
# Rien, jusqu'au numéro zéro. Ada dit trois phrases. **Sous quels numéros reviennent-elles ?**

# %%
for key, text in ("a1", "Bonjour."), ("a2", "Il y a quelqu'un ?"), ("a3", "Tant pis."):
    await tell(ada, type="message", key=key, text=text)
    print(await hear(ada))

# %% [markdown]
# Blaise arrive après coup. **Combien de messages lui manque-t-il ?**

# %%
blaise = await enter()
print(await blaise.recv())
await tell(blaise, type="before", number=None)
for message in (await hear(blaise))["messages"]:
    print(message["number"], message["text"])

# %% [markdown]
# Aucun. Et s'il avait déjà lu le premier ? **Que donne `after` 1 ?**

# %%
await tell(blaise, type="after", number=1)
answer = await hear(blaise)
print([message["number"] for message in answer["messages"]], "sur", answer["last"])

# %% [markdown]
# ## Tuer le serveur
#
# Pas de Ctrl-C poli : le processus disparaît au milieu de tout. **Que reste-t-il du salon ?**

# %%
server.restart()
ada = await enter()
print(await ada.recv())
await tell(ada, type="after", number=0)
answer = await hear(ada)
print([message["number"] for message in answer["messages"]], "sur", answer["last"])

# %% [markdown]
# Tout : chaque écho voulait dire « c'est dans la base ».

# %% [markdown]
# ## Remonter
#
# Ada remplit un autre salon de cent vingt messages. Blaise y arrive. **Quel est le premier numéro qu'il reçoit ?**

# %%
ada = await enter("bavards")
print(await ada.recv())
for number in range(1, 121):
    await tell(ada, type="message", text=f"Message {number}")
    await hear(ada)

blaise = await enter("bavards")
print(await blaise.recv())
await tell(blaise, type="before", number=None)
answer = await hear(blaise)
numbers = [message["number"] for message in answer["messages"]]
print("de", numbers[0], "à", numbers[-1], "sur", answer["last"])

# %% [markdown]
# Cinquante à la fois, les derniers. **Combien de questions encore, pour lire le premier ?**

# %%
questions = 0
while numbers[0] > 1:
    await tell(blaise, type="before", number=numbers[0])
    numbers = [message["number"] for message in (await hear(blaise))["messages"]] + numbers
    questions += 1
print("arrivé au numéro", numbers[0], "en", questions, "questions")

# %% [markdown]
# C'est ce que fait la page quand vous remontez : un numéro, et une question.

# %% [markdown]
# ## À explorer
#
# **1.** Demandez `before` 1, dans le salon `bavards`. Que répond le serveur ?
#
# <details><summary>Réponse</summary>
#
# Une liste vide, et `last` : rien ne précède le premier message.
#
# </details>
#
# **2.** Dites une phrase dans le salon `licornes`, avec `await enter("licornes")`. Quel numéro reçoit-elle ?
#
# <details><summary>Réponse</summary>
#
# Le 1. Chaque salon a son compteur.
#
# </details>
#
# **3.** Demandez `after` 1000 dans le salon `poneys`. Que vaut `last`, et que devrait en conclure une page dont le dernier numéro est 1000 ?
#
# <details><summary>Réponse</summary>
#
# `last` est le vrai dernier numéro du salon, bien plus petit. La base n'est plus celle que cette page a connue : elle se recharge.
#
# </details>
