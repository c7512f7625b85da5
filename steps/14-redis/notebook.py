# %% [markdown]
# # 14 · Trois couches, et un seau pour deux
#
# À ouvrir après [le chapitre 14](../steps/14-redis/README.md). Deux serveurs font un salon, par Redis. Ce carnet met à l'épreuve les couches de canaux que l'on pouvait choisir, tue Redis, et partage un seau entre deux serveurs qui ne se voient pas.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Un Redis
#
# Celui de votre machine, sinon l'imitation. Il écoute un port libre, n'écrit rien, et s'arrête avec le carnet. Les journaux de `channels_redis` se taisent ici : ils répéteraient chaque seconde que Redis n'est plus là.

# %%
import sys

sys.path.append("..")

import logging

from workshop.system.redis_server import RedisServer

logging.disable()
redis_server = RedisServer().__enter__()
print("Redis répond.")

# %% [markdown]
# ## Deux serveurs, un salon
#
# Ada entre par un serveur, Blaise par l'autre. Ce sont les lignes de `across.py`. Pour essayer votre chat, écrivez `"../live"`. **Sans Redis, qu'entend Blaise ? Et avec lui ?**

# %%
import asyncio

from websockets.asyncio.client import connect

from workshop.project.serving import Server
from workshop.publishing.kernel import start

project = "../solutions/14-redis"
copy = start(project).project


def door(server):
    address = server.url.replace("http", "ws") + "/chat/ponts/"
    return connect(address, origin=server.url, proxy=None)


async def heard(ws):
    """Renvoie ce que l'on entend en deux secondes, ou « rien »."""
    try:
        async with asyncio.timeout(2):
            return await ws.recv()
    except TimeoutError:
        return "rien"


for name, environment in ("seuls", {}), ("par Redis", {"REDIS_URL": redis_server.url}):
    one, other = Server(copy, environment=environment), Server(copy, environment=environment)
    with one, other:
        async with door(one) as ada, door(other) as blaise:
            await heard(ada), await heard(blaise)
            await ada.send("Bonjour, Blaise.")
            print(name, "·", await heard(ada), "·", await heard(blaise))

# %% [markdown]
# Seuls, chacun a son salon. Par Redis, il n'y en a qu'un.

# %% [markdown]
# ## La rafale
#
# Quelqu'un est dans un groupe, et ne lit pas. On annonce 150 messages, puis il lit. **Combien en trouve-t-il, avec chaque couche ?**

# %%
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import RedisError


def layers(**options):
    """Renvoie une couche neuve de chaque sorte, par son nom ; pubsub n'a aucune de ces limites."""
    hosts = [redis_server.url]
    return {
        "en mémoire": InMemoryChannelLayer(**options),
        "core": RedisChannelLayer(hosts=hosts, **options),
        "pubsub": RedisPubSubChannelLayer(hosts=hosts),
    }


async def join(layer):
    """Renvoie un canal neuf, qui est dans le groupe « salon »."""
    channel = await layer.new_channel()
    await layer.group_add("salon", channel)
    return channel


async def announce(layer, number):
    for _ in range(number):
        await layer.group_send("salon", {"type": "chat.message"})


async def read(layer, channel):
    """Renvoie combien de messages attendent dans un canal."""
    count = 0
    try:
        while True:
            await asyncio.wait_for(layer.receive(channel), timeout=1)
            count += 1
    except TimeoutError:
        return count


for name, layer in layers().items():
    channel = await join(layer)
    await announce(layer, 150)
    print(f"{name} : {await read(layer, channel)} sur 150")
    await layer.flush()

# %% [markdown]
# Cent, cent, et cent cinquante. Les deux premières gardent cent messages par canal, et jettent les suivants sans lever d'exception. La troisième n'a pas de limite : qui ne lit jamais remplit la mémoire du serveur.

# %% [markdown]
# ## La minute
#
# Un message attend plus longtemps que `expiry` : soixante secondes d'ordinaire, une seule ici. Quelqu'un d'autre entre, et écoute. Puis trois messages viennent. **Combien le premier en lit-il ?**

# %%
for name, layer in layers(expiry=1).items():
    channel = await join(layer)
    await announce(layer, 1)
    await asyncio.sleep(2.5)
    other = await join(layer)
    await announce(layer, 1)
    await asyncio.wait_for(layer.receive(other), timeout=2)
    await announce(layer, 2)
    print(f"{name} : {await read(layer, channel)}")
    await layer.flush()

# %% [markdown]
# En mémoire, aucun : un message trop vieux fait sortir son canal de tous ses groupes, pour toujours. Avec `core`, les trois derniers : le vieux est jeté, et lui seul. Avec `pubsub`, les quatre.

# %% [markdown]
# ## La panne
#
# Quelqu'un est dans un groupe. On tue Redis, on le relance, on attend trois secondes. **Combien entend-il des trois messages qui suivent ?**

# %%
for name, layer in layers().items():
    if name == "en mémoire":
        continue
    channel = await join(layer)
    redis_server.kill()
    redis_server.start()
    await asyncio.sleep(3)
    try:
        await announce(layer, 1)
    except RedisError as error:
        print(f"{name} : le premier essai lève {type(error).__name__}")
    await announce(layer, 3)
    heard = await read(layer, channel)
    print(f"{name} : {'il entend' if heard >= 3 else heard}")
    await layer.flush()

# %% [markdown]
# `core` tenait la liste du groupe dans Redis : elle est partie avec lui, et personne ne le dit à ceux qui étaient là. `pubsub` s'est réabonné. Les deux perdent leur première annonce : leur connexion était morte, et elles ne l'apprennent qu'en s'en servant. C'est pour elle qu'`announce` renvoie `False`.

# %% [markdown]
# ## Un seau pour deux
#
# Un seau a dix jetons, dans Redis. Deux serveurs y prennent, cinquante fois chacun, en lisant puis en écrivant. **Combien en prendront-ils ?**

# %%
import redis.asyncio

servers = [redis.asyncio.Redis.from_url(redis_server.url) for _ in range(2)]


async def naive(server):
    """Prend un jeton s'il en reste : lit, compte, écrit."""
    tokens = int(await server.get("seau"))
    if tokens == 0:
        return 0
    await server.set("seau", tokens - 1)
    return 1


async def taken(take):
    """Renvoie combien de jetons deux serveurs prennent, cinquante fois chacun."""
    await servers[0].set("seau", 10)

    async def fifty(server):
        return sum([await take(server) for _ in range(50)])

    return sum(await asyncio.gather(*map(fifty, servers)))


count = await taken(naive)
print("dix" if count == 10 else "plus de dix")

# %% [markdown]
# Plus de dix : deux serveurs lisent le même nombre, et tous deux le diminuent. **Et si Redis lit, compte et écrit lui-même, d'un trait ?**

# %%
SCRIPT = """
local tokens = tonumber(redis.call('GET', KEYS[1]))
if tokens == 0 then return 0 end
redis.call('SET', KEYS[1], tokens - 1)
return 1
"""


async def whole(server):
    """Prend un jeton s'il en reste : Redis fait tout, sans que personne passe."""
    return await server.eval(SCRIPT, 1, "seau")


print(await taken(whole))

# %% [markdown]
# Dix. Le script du chapitre est le même, avec le temps en plus : le seau se remplit.

# %% [markdown]
# ## À explorer
#
# **1.** Dans la première expérience, donnez une capacité de mille aux deux premières couches : `layers(capacity=1000)`. Qu'y gagne-t-on, et qu'y perd-on ?
#
# <details><summary>Réponse</summary>
#
# Les 150 messages. Et mille messages pour chaque lecteur qui ne lit pas : une limite ne supprime pas la perte, elle dit quand elle commence.
#
# </details>
#
# **2.** Ajoutez un troisième serveur au seau naïf. Prennent-ils encore plus de jetons ?
#
# <details><summary>Réponse</summary>
#
# Oui, d'ordinaire : plus on est à lire en même temps, plus le même jeton sert de fois.
#
# </details>
#
