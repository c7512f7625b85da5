# %% [markdown]
# # 17 · De trente à trente millions
#
# À ouvrir après [le chapitre 17](../steps/17-operations/README.md). Ce carnet arrête un serveur et écoute ce qu'en sait une page, rend à la base sa sauvegarde de la veille, puis refait le calcul du chapitre : ce que prendraient trente personnes, et trente millions.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Un serveur s'en va
#
# Deux serveurs, une base. Ada est chez le premier, que l'on arrête poliment, comme le ferait systemd. Blaise, chez l'autre, parle pendant ce temps ; puis Ada revient par là, et demande ce qui suit le dernier numéro qu'elle connaît. Pour essayer votre chat, écrivez `"../live"`. **Qu'entend-elle de l'arrêt, et que lui manque-t-il au retour ?**

# %%
import sys

sys.path.append("..")

import json
import shutil
import sqlite3

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from workshop.project.serving import Server
from workshop.publishing.kernel import start

project = "../solutions/17-operations"
copy = start(project).project


def server():
    """Renvoie un serveur du chat, sous uvicorn, sur la base de cette copie."""
    return Server(
        copy,
        environment={"DJANGO_SETTINGS_MODULE": "live.settings"},
        application="live.asgi:application",
        program="uvicorn",
        options=("--ws", "chat.uvicorn_protocol:ChatProtocol"),
    )


def page(server):
    address = server.url.replace("http", "ws") + "/chat/retour/"
    return connect(address, origin=server.url, subprotocols=["json"], proxy=None)


async def ask(ws, kind, **frame):
    """Envoie une trame ; renvoie la première réponse qui n'est pas un salut."""
    await ws.send(json.dumps({"type": kind, **frame}))
    while (answer := json.loads(await ws.recv()))["type"] == "welcome":
        pass
    return answer


async def say(ws, text):
    return await ask(ws, "message", key=None, text=text)


def texts(history):
    return [message["text"] for message in history["messages"]]


with server() as first, server() as second:
    async with page(first) as ada, page(second) as blaise:
        last = (await say(ada, "Je suis là."))["number"]
        first.process.terminate()
        await say(blaise, "On t'attend, Ada.")
        try:
            await ada.recv()
        except ConnectionClosed as farewell:
            print("Ada entend", farewell.rcvd.code if farewell.rcvd else "une coupure")
    async with page(second) as ada:
        print("puis, ailleurs :", texts(await ask(ada, "after", number=last)))

# %% [markdown]
# 1012 : « je redémarre ». Rien ne manque : ce que le serveur savait, la base le sait, et un numéro suffit pour reprendre. Sous Windows, un programme ne s'arrête pas poliment, et Ada entend une coupure ; elle revient de même.

# %% [markdown]
# ## La base d'hier
#
# On dit deux phrases, on sauvegarde, on en dit deux autres, qu'Ada a lues. La base meurt, et la sauvegarde revient. Blaise parle de nouveau, deux fois. **Ada demande ce qui suit le dernier numéro qu'elle connaît : que lit-elle ?**

# %%
base, backup = copy / "db.sqlite3", copy / "hier.sqlite3"


async def speak(*sentences):
    """Dit des phrases, chez un serveur neuf ; renvoie le numéro de la dernière."""
    with server() as one:
        async with page(one) as ws:
            for sentence in sentences:
                number = (await say(ws, sentence))["number"]
    return number


async def following(number):
    """Renvoie ce que lit qui connaît ce numéro, et revient."""
    with server() as one:
        async with page(one) as ws:
            return texts(await ask(ws, "after", number=number))


await speak("lundi, un", "lundi, deux")
shutil.copy(base, backup)
seen = await speak("mardi, un", "mardi, deux")
shutil.copy(backup, base)
await speak("mercredi, un", "mercredi, deux")
print("Ada lit", await following(seen))

# %% [markdown]
# Rien. Les numéros ont reculé : ceux de mercredi sont ceux qu'elle a déjà lus mardi, sous d'autres phrases. **Et si, avant de rouvrir, on fait sauter en avant le compteur de chaque salon ?**

# %%
shutil.copy(backup, base)
with sqlite3.connect(base) as restored:
    restored.execute("UPDATE chat_room SET last = last + 1000")
restored.close()
await speak("mercredi, un", "mercredi, deux")
print("Ada lit", await following(seen))

# %% [markdown]
# Tout mercredi. Mardi est perdu, et c'est ce qu'une sauvegarde de la veille veut dire ; mais rien de ce qui suit ne l'est. Un trou dans les numéros ne gêne personne, un retour en arrière, si.

# %% [markdown]
# ## De trente à trente millions, sur le papier
#
# Trois sortes de nombres. Les *hypothèses* sont à vous : changez-les. Les *prix*, en microsecondes de processeur, sont mesurés : `.venv/bin/python -m tests.costs`, sous Linux, sur la machine du banc, médianes de trois fois, le 29 novembre 2026, d'autres travaillant sur la machine. Le reste est *calculé*, et ne vaut que ce que valent les deux autres.
#
# **À un million de personnes, qu'est-ce qui prendra le plus de processeur : les phrases, les livraisons, ou le silence ?**

# %%
import math
from operator import mul

from workshop.bench.results import load, medians

# Les hypothèses.
ROOM = 30  # personnes dans un salon
PER_MINUTE = 1  # phrases de chacune, par minute
FRAME = 280  # octets d'une phrase livrée : 200 de JSON, le reste au WebSocket, à TLS et à IP
HEARTBEAT = 10  # secondes entre deux battements d'une page
BUSY = 0.5  # ce que l'on accepte de remplir d'un processeur

# Les prix : une phrase, sa réception chez un serveur, une livraison, un battement, et le silence
# d'une personne pendant une seconde.
THINGS = "phrases", "réceptions", "livraisons", "battements", "silence"
PRICES = {
    "serveurs": (6200, 690, 21, 4300, 52),
    "nginx": (30, 0, 30, 170, 8),
    "Redis": (260, 14, 0, 140, 10),
    "PostgreSQL": (1500, 0, 0, 590, 0),
}
# Des octets : un serveur vide ; une connexion chez lui, chez nginx, une prise ; un message gardé.
EMPTY, SERVER, NGINX, SOCKET, ROW = 93_000_000, 39_400, 50_100, 3_600, 269


def needs(people, prices=PRICES, together=False):
    """Renvoie ce que prend un chat ; `together` : un salon est chez un seul serveur."""
    phrases, servers = people * PER_MINUTE / 60, 2
    # Plus il y a de serveurs, plus un salon en touche, et plus chacun a de travail.
    for _ in range(50):
        touched = 1 if together else servers * (1 - (1 - 1 / servers) ** ROOM)
        delivered = phrases * min(ROOM, people)
        each_second = phrases, phrases * touched, delivered, people / HEARTBEAT, people
        cores = {name: sum(map(mul, each_second, row)) / 1e6 for name, row in prices.items()}
        servers = max(2, math.ceil(cores["serveurs"] / BUSY))
    return {
        **dict(zip(THINGS[:4], each_second, strict=False)),
        **{f"processeurs, {name}": busy for name, busy in cores.items()},
        **{
            f"dont, aux serveurs, {thing}": rate * price / 1e6
            for thing, rate, price in zip(THINGS, each_second, prices["serveurs"], strict=True)
        },
        "processus du chat": servers,
        "Redis, un processeur chacun": math.ceil(cores["Redis"] / BUSY),
        "mémoire, Go": (servers * EMPTY + people * (SERVER + NGINX + 3 * SOCKET)) / 1e9,
        "sortie, Mbit/s": delivered * FRAME * 8 / 1e6,
        "histoire, Go par jour": phrases * ROW * 86_400 / 1e9,
    }


def table(columns):
    """Écrit un tableau : une colonne par calcul, deux chiffres qui comptent."""
    print(f"{'':30}", *(f"{name:>12}" for name in columns))
    for row in next(iter(columns.values())):
        found = [column.get(row, math.nan) for column in columns.values()]
        words = ["—" if math.isnan(one) else f"{float(f'{one:.2g}'):,.10g}" for one in found]
        print(f"{row:30}", *(f"{word:>12}".replace(",", " ") for word in words))


table({f"{n:,}".replace(",", " "): needs(n) for n in (30, 300, 3000, 30_000, 10**6, 3 * 10**7)})

# %% [markdown]
# Ni les phrases ni les livraisons : les battements. Une page qui ne dit rien demande toutes les dix secondes si elle a manqué quelque chose : une question à la base, un jeton à Redis, six fois plus souvent qu'une phrase. Puis viennent les réceptions : avec assez de serveurs, trente personnes d'un salon en touchent trente, et ce que le chapitre 15 payait une fois par salon se paie de nouveau une fois par personne. Les livraisons, qu'il a rendues presque gratuites, sont ce qui coûte le moins.
#
# ## Le banc dit-il la même chose ?
#
# Il mesure tout ensemble, à seize phrases en route. Si une phrase dans un salon de N personnes coûte un prix fixe et N livraisons, deux tailles de salon suffisent à trouver les deux prix, et la troisième dit si l'idée est bonne. **Le sera-t-elle ?**

# %%
said = {race["clients"]: race["clients"] * medians(race)["15-redis"]["cpu_us"] for race in load()}
small, middle, large = sorted(said)
delivery = (said[large] - said[small]) / (large - small)
phrase = said[small] - small * delivery
print(f"au banc, une phrase : {phrase:,.0f} µs, une livraison : {delivery:.1f} µs")
print(f"à {middle} : calculé {phrase + middle * delivery:,.0f} µs, mesuré {said[middle]:,.0f}")
print(f"une connexion : {medians(load()[-1])['15-redis']['memory_kb']:.0f} Ko")

# %% [markdown]
# Elle l'est, à quelques pour cent près. Le banc paie moins que nos prix, et pour la même raison qu'au chapitre 15 : les phrases y viennent par paquets, qui partagent une transaction et un appel au système. À PostgreSQL, un paquet de cinquante coûte 2,9 ms, et une phrase seule 1,1. Dans un salon de trente où chacun parle une fois par minute, une phrase est seule. Une connexion y prend aussi moins de mémoire que déployée.
#
# ## Un million, autrement
#
# Deux changements, essayés sur une copie du chat par la même commande, deux fois. Le salon connaît son dernier numéro, et répond lui-même aux battements, sans base ni Redis. Puis `hash $uri consistent;`, dans `upstream`, fait mener par nginx tout un salon au même serveur. La dernière colonne est publiée par Centrifugo. **Combien de processeurs gagne chacun ?**

# %%
BEATS = {"serveurs": 630, "nginx": 120, "Redis": 0, "PostgreSQL": 0}
ANSWERS = {name: (*row[:3], BEATS[name], row[4]) for name, row in PRICES.items()}
CENTRIFUGO = {
    "livraisons": 500_000,
    "processeurs, serveurs": 40,
    "processeurs, Redis": 5 * 0.32,
    "mémoire, Go": 27,
    "sortie, Mbit/s": 20 * 150,
}
million = 10**6
table(
    {
        "chapitre 16": needs(million),
        "il répond": needs(million, ANSWERS),
        "et réunis": needs(million, ANSWERS, together=True),
        "Centrifugo": CENTRIFUGO,
    }
)

# %% [markdown]
# Quatre fois moins qu'au départ, six fois plus que Centrifugo, qui est écrit en langage Go, et qui ne garde rien dans une base. Ce qui reste est surtout la phrase elle-même : la garder est ce que ce chat promet. La mémoire, elle, suit le nombre de processus, et un octet que deux processus partagent y est compté deux fois.

# %% [markdown]
# ## À explorer
#
# **1.** Mettez mille personnes dans un salon : `ROOM = 1000`. Qu'est-ce qui coûte le plus, à un million ?
#
# <details><summary>Réponse</summary>
#
# Les réceptions d'abord, onze mille processeurs, tant que les salons sont répartis : une phrase en touche mille. Les salons réunis, ce sont les livraisons : dix-sept millions par seconde, et 37 Gbit/s. Dans un tel salon, les phrases viendraient par paquets, et le banc dit alors 2,5 µs au lieu de 21.
#
# </details>
#
# **2.** Espacez les battements : `HEARTBEAT = 60`. Qu'y gagne-t-on, et qu'y perd-on ?
#
# <details><summary>Réponse</summary>
#
# Six fois moins de questions, sans changer une ligne du serveur. Mais une annonce perdue se voit une minute plus tard, et une ligne morte aussi. Faire répondre le salon ne prend rien à personne.
#
# </details>
