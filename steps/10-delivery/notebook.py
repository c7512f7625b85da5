# %% [markdown]
# # 10 · La promesse, trame par trame
#
# À ouvrir après [le chapitre 10](../steps/10-delivery/README.md). Le salon garde, redit, compte. Ce carnet tient la conversation de la page à sa place, provoque les pannes une à une, et tue le serveur pour de bon.
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

project = "../solutions/10-delivery"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Une phrase, une clé
#
# La page parle JSON, et donne une clé à chaque phrase. Ada en dit trois, et Blaise écoute. **Sous quels numéros reviennent-elles, et avec quoi ?**

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


ada, blaise = await enter(), await enter()
print(await ada.recv())
await blaise.recv()
for key, text in ("a1", "Bonjour."), ("a2", "Il y a quelqu'un ?"), ("a3", "Tant pis."):
    await tell(ada, type="message", key=key, text=text)
    print(await hear(ada))
    await hear(blaise)

# %% [markdown]
# ## Redire
#
# Ada n'a pas entendu son écho, croit-elle. Elle redit sa troisième phrase, avec la même clé, puis en dit une quatrième. **Qu'entend Ada ? Qu'entend Blaise ?**

# %%
await tell(ada, type="message", key="a3", text="Tant pis.")
await tell(ada, type="message", key="a4", text="Ah, Blaise !")
for who, ws, times in ("Ada", ada, 2), ("Blaise", blaise, 1):
    for _ in range(times):
        message = await hear(ws)
        print(who, "entend", message["number"], message["text"])

# %% [markdown]
# Ada entend de nouveau le numéro 3 : elle peut le rayer de sa boîte d'envoi. Blaise ne l'entend pas ; la première chose qu'il entend est le numéro 4.
#
# Et sans clé ? **Deux phrases identiques, dites sans clé, font-elles un message ou deux ?**

# %%
for _ in range(2):
    await tell(ada, type="message", text="Je me répète.")
    print((await hear(ada))["number"])

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
#
# Ada ne sait pas si sa phrase `a4` était passée avant la panne. Elle ne cherche pas à le savoir. **Que fait-elle, et que répond le serveur ?**

# %%
await tell(ada, type="message", key="a4", text="Ah, Blaise !")
print((await hear(ada))["number"])

# %% [markdown]
# ## Une rafale
#
# Vingt personnes entrent dans un salon neuf, et disent dix phrases chacune, d'un trait, sans rien lire. Puis elles lisent tout ce qui est venu, et notent le plus grand numéro reçu sans trou. **Ira-t-il jusqu'à 200 ?**

# %%
import asyncio


async def talk(ws):
    """Dit dix phrases, puis écoute jusqu'au silence ; renvoie les numéros entendus."""
    for number in range(10):
        await tell(ws, type="message", text=f"phrase {number}")
    heard = []
    try:
        while True:
            async with asyncio.timeout(2):
                heard.append((await hear(ws))["number"])
    except TimeoutError:
        return heard


people = []
for _ in range(20):
    ws = await enter("foule")
    await ws.recv()
    people.append(ws)
heard = await asyncio.gather(*map(talk, people))
print("Quelqu'un a-t-il tout entendu ?", any(len(numbers) == 200 for numbers in heard))

# %% [markdown]
# Personne. La couche en mémoire garde cent événements pour qui est occupé, et jette la suite. Les numéros, eux, montrent ce qui manque.
#
# La première personne demande la suite de ce qu'elle a reçu sans trou. **Combien de questions lui faudra-t-il, à cinquante messages par réponse ?**

# %%
last = 0
for number in heard[0]:
    if number != last + 1:
        break
    last = number

questions = 0
while True:
    await tell(people[0], type="after", number=last)
    while (answer := await hear(people[0]))["type"] != "history":
        pass
    questions += 1
    last += len(answer["messages"])
    if last == answer["last"]:
        break
print("arrivée au numéro", last, "en", questions, "questions")

# %% [markdown]
# C'est tout l'algorithme de la page : un numéro, et une question.

# %% [markdown]
# ## À explorer
#
# **1.** Redites la clé `a1` dans un autre salon, avec `await enter("licornes")`. Quel numéro reçoit-elle ?
#
# <details><summary>Réponse</summary>
#
# Le 1. La contrainte de la base porte sur le salon et la clé ensemble : ailleurs, c'est un autre message.
#
# </details>
#
# **2.** Redites la clé `a1` avec un autre texte. Lequel le salon garde-t-il ?
#
# <details><summary>Réponse</summary>
#
# Le premier. L'écho rend ce qui est gardé, et non ce que l'on vient de dire.
#
# </details>
