# %% [markdown]
# # 15 · Ce que coûte une livraison
#
# À ouvrir après [le chapitre 15](../steps/15-performance/README.md). Le même salon, avant et après : ce qu'il livre d'une rafale, ce qu'il demande au processeur et à la base, et ce qui arrive à qui ne lit plus.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Une conversation
#
# Trente personnes entrent, et l'une d'elles parle. Pour essayer votre chat, écrivez `"../live"`. **Qu'est-ce qui a changé pour elles ?**

# %%
import sys

sys.path.append("..")

import asyncio
import contextlib
import json

from websockets.asyncio.client import connect

from workshop.publishing.kernel import start

project = "../solutions/15-performance"


@contextlib.asynccontextmanager
async def people(server, number, room):
    """Fait entrer autant de personnes dans un salon ; elles sont saluées."""
    address = server.url.replace("http", "ws") + f"/chat/{room}/"
    async with contextlib.AsyncExitStack() as stack:
        doors = [
            connect(address, origin=server.url, subprotocols=["json"], proxy=None)
            for _ in range(number)
        ]
        inside = [await stack.enter_async_context(door) for door in doors]
        for ws in inside:
            await ws.recv()
        yield inside


async def say(ws, text):
    await ws.send(json.dumps({"type": "message", "key": None, "text": text}, ensure_ascii=False))


server = start(project)
async with people(server, 30, "foin") as inside:
    await say(inside[0], "Qui a du foin ?")
    heard = []
    for ws in inside:
        heard.append(json.loads(await ws.recv())["text"])
print(len(heard), "fois", {*heard})

# %% [markdown]
# Rien. Trente fois la même phrase, comme au chapitre 05.

# %% [markdown]
# ## La rafale
#
# Huit personnes disent 300 messages d'un trait, et lisent. **Combien chacun en entend-il, avant ce chapitre, et après ?**


# %%
async def read(ws, most):
    """Renvoie combien de messages viennent, jusqu'à trois secondes de silence."""
    count = 0
    with contextlib.suppress(TimeoutError):
        while count < most:
            async with asyncio.timeout(3):
                count += json.loads(await ws.recv())["type"] == "message"
    return count


async def burst(inside, number):
    """Fait dire autant de messages, que tous lisent ; renvoie le moins lu."""
    reading = [asyncio.create_task(read(ws, number)) for ws in inside]
    for rank in range(number):
        await say(inside[rank % len(inside)], f"phrase {rank}")
    return min(await asyncio.gather(*reading))


for name, folder in ("avant", "../solutions/14-redis"), ("après", project):
    async with people(start(folder), 8, "rafale") as inside:
        fewest = await burst(inside, 300)
        print(f"{name} :", "tout" if fewest == 300 else "pas tout")

# %% [markdown]
# Pas tout, puis tout. Chacun avait un canal de cent messages, et la rafale allait plus vite que lui. Le salon n'a plus qu'un canal, qu'il vide à mesure.

# %% [markdown]
# ## Le prix
#
# Trente personnes, vingt phrases, donc 600 livraisons. On lit ce que le processus du serveur a pris de processeur. **Combien de fois moins ?**

# %%
from workshop.system.processes import Consumption

spent = {}
for name, folder in ("avant", "../solutions/14-redis"), ("après", project):
    server = start(folder)
    async with people(server, 30, "prix") as inside:
        await burst(inside, 10)
        consumption = Consumption(server.process.pid)
        before = consumption.seconds()
        await burst(inside, 20)
        spent[name] = consumption.seconds() - before
print("plus de deux fois moins :", spent["avant"] > 2 * spent["après"])

# %% [markdown]
# Plus il y a de monde, plus l'écart est grand : le chapitre donne celui de mille personnes.

# %% [markdown]
# ## Combien de transactions
#
# SQLite compte ses transactions dans le fichier lui-même, aux octets 24 à 27. Douze personnes disent 120 messages d'un trait. **Combien de transactions, avant, et après ?**


# %%
def transactions(server):
    """Renvoie combien de fois on a écrit dans cette base, depuis qu'elle existe."""
    return int.from_bytes((server.project / "db.sqlite3").read_bytes()[24:28], "big")


for name, folder in ("avant", "../solutions/14-redis"), ("après", project):
    server = start(folder)
    async with people(server, 12, "paquets") as inside:
        before = transactions(server)
        await burst(inside, 120)
        written = transactions(server) - before
        print(f"{name} :", "moins de 60" if written < 60 else written)

# %% [markdown]
# Une par message, puis une par paquet. Si une seule personne parle à la fois, chaque paquet n'a qu'un message, et rien ne change pour elle.

# %% [markdown]
# ## Qui ne lit plus
#
# Blaise entre, et ne lit plus. Les neuf autres disent 300 phrases, et les lisent. Puis Blaise lit de nouveau, sans rien demander. **Que lui manque-t-il ?**

# %%
server = start(project)
async with people(server, 10, "bouchon") as inside:
    blaise, *others = inside
    blaise.transport.pause_reading()
    for _ in range(3):
        fewest = await burst(others, 100)
    blaise.transport.resume_reading()
    print("les autres :", fewest, "sur 100, chaque fois ; Blaise :", await read(blaise, 300))

# %% [markdown]
# Rien. Les phrases l'attendaient dans sa prise, dans sa boîte, ou dans l'histoire, et le serveur ne lui a gardé que cent trames au plus.

# %% [markdown]
# ## À explorer
#
# **1.** Dans la rafale, mettez 120 messages au lieu de 300. Le chat d'avant perd-il encore ?
#
# <details><summary>Réponse</summary>
#
# Souvent non : chacun a le temps d'en lire quelques-uns pendant que les autres arrivent. C'est pourquoi une classe qui parle ne voit rien, et une démonstration en public, si.
#
# </details>
#
# **2.** Dans le compte des transactions, faites parler une seule personne, et lire entre deux phrases.
#
# <details><summary>Réponse</summary>
#
# Une transaction par message, avant et après : il n'y a rien à mettre ensemble. Un paquet ne fait attendre personne pour se remplir.
#
# </details>
