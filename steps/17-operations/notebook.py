# %% [markdown]
# # 17 · De trente à trente millions
#
# À ouvrir après [le chapitre 17](../steps/17-operations/README.md). Ce carnet arrête un serveur et écoute ce qu'en sait une page, rend à la base sa sauvegarde de la veille, puis refait le calcul du chapitre : ce que prendraient trente personnes, et trente millions.
#
# **Maj + Entrée** lance une cellule. Répondez à la question avant de la lancer.

# %% [markdown]
# ## Un serveur s'en va
#
# Deux serveurs, une base. Ada est chez le premier, que l'on arrête poliment, comme le ferait systemd. Blaise, chez l'autre, parle pendant ce temps ; puis Ada revient par là, et demande ce qui suit le dernier numéro qu'elle connaît. Pour essayer votre chat, écrivez `"../live"`. **Qu'entend-elle de l'arrêt, et que lui manque-t-il au retour ?**

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
    """Envoie une trame ; renvoie la première réponse qui n'est pas un salut."""
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
        await say(blaise, "Ada ?")
        try:
            await ada.recv()
        except ConnectionClosed as farewell:
            print("Ada entend", farewell.rcvd.code if farewell.rcvd else "une coupure")
    async with page(second) as ada:
        print("puis, ailleurs :", texts(await ask(ada, "after", number=last)))

# %% [markdown]
# 1012 : « je redémarre ». Rien ne manque : ce que le serveur savait, la base le sait, et un numéro suffit pour reprendre. Sous Windows, un programme ne s'arrête pas poliment, et Ada entend une coupure ; elle revient de même.

# %% [markdown]
# ## La base d'hier
#
# On dit deux phrases, on sauvegarde, on en dit deux autres, qu'Ada a lues. La base meurt, et la sauvegarde revient. Blaise parle de nouveau, deux fois. **Ada demande ce qui suit le dernier numéro qu'elle connaît : que lit-elle ?**

# %%
base, backup = copy / "db.sqlite3", copy / "hier.sqlite3"


async def speak(*sentences):
    """Dit des phrases, chez un serveur neuf ; renvoie le numéro de la dernière."""
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
# Rien. Les numéros ont reculé : ceux de mercredi sont ceux qu'elle a déjà lus mardi, sous d'autres phrases. **Et si, avant de rouvrir, on fait sauter en avant le compteur de chaque salon ?**

# %%
shutil.copy(backup, base)
with sqlite3.connect(base) as restored:
    restored.execute("UPDATE chat_room SET last = last + 1000")
restored.close()
await speak("mercredi, un", "mercredi, deux")
print("Ada lit", await following(seen))

# %% [markdown]
# Tout mercredi. Mardi est perdu, et c'est ce qu'une sauvegarde de la veille veut dire ; mais rien de ce qui suit ne l'est. Un trou dans les numéros ne gêne personne, un retour en arrière, si.

# %% [markdown]
# ## Trente millions, sur le papier
#
# Trois sortes de nombres. Les *hypothèses* sont les vôtres : changez-les. Le *prix* de chaque chose, en microsecondes de processeur, est mesuré : `.venv/bin/python -m tests.costs`, sous Linux, sur la machine du banc, médianes de trois courses le 29 novembre 2026. La mémoire d'une connexion se lit dans `docs/bench.json`. Tout le reste est calculé.

# %%
import math

from workshop.bench.results import load, medians

# Les hypothèses.
ROOM = 30  # personnes dans un salon
PER_MINUTE = 1  # phrases de chacune, par minute
FRAME = 280  # octets d'une phrase livrée : 200 de JSON, et les en-têtes de TLS, de TCP et d'IP
HEARTBEAT = 10  # secondes entre deux battements d'une page
BUSY = 0.5  # ce que l'on accepte de remplir d'un processeur

# Mesuré : des microsecondes de processeur, pour chaque chose, chez chaque pièce.
PRICES = {
    "serveurs": {"phrase": 6000, "réception": 600, "livraison": 36, "battement": 3300, "silence": 45},
    "nginx": {"phrase": 200, "réception": 0, "livraison": 27, "battement": 115, "silence": 7},
    "Redis": {"phrase": 200, "réception": 20, "livraison": 0, "battement": 66, "silence": 8},
    "PostgreSQL": {"phrase": 1400, "réception": 0, "livraison": 0, "battement": 510, "silence": 0},
}
# Des octets : une connexion chez nginx, en TLS ; une prise dans le système ; un message gardé.
NGINX, SOCKET, ROW = 49_000, 3_600, 264
# La mémoire d'une connexion chez un serveur, du banc : mille personnes, uvicorn et Redis.
SERVER = 1024 * medians(load()[-1])["15-redis"]["memory_kb"]


def needs(people, prices=PRICES, together=False):
    """Renvoie ce que prend un chat ; `together` : tout un salon est chez le même serveur."""
    phrases, processes = people * PER_MINUTE / 60, 2
    each_second = {
        "phrase": phrases,
        "livraison": phrases * min(ROOM, people),
        "battement": people / HEARTBEAT,
        "silence": people,
    }
    # Plus il y a de serveurs, plus un salon en touche, et plus chacun a de travail.
    for _ in range(50):
        touched = 1 if together else processes * (1 - (1 - 1 / processes) ** ROOM)
        each_second["réception"] = phrases * touched
        cores = {
            piece: sum(each_second[what] * price for what, price in row.items()) / 1e6
            for piece, row in prices.items()
        }
        processes = max(2, math.ceil(cores["serveurs"] / BUSY))
    return {
        "phrases/s": phrases,
        "livraisons/s": each_second["livraison"],
        "battements/s": each_second["battement"],
        **{f"processeurs, {piece}": busy for piece, busy in cores.items()},
        "processus du chat": processes,
        "Redis à un processeur": math.ceil(cores["Redis"] / BUSY),
        "mémoire, Go": people * (SERVER + NGINX + 3 * SOCKET) / 1e9,
        "sortie, Mbit/s": each_second["livraison"] * FRAME * 8 / 1e6,
        "histoire, Go/jour": phrases * ROW * 86_400 / 1e9,
    }


def table(**columns):
    """Écrit un tableau : une colonne par calcul, avec deux chiffres qui comptent."""
    print(f"{'':24}", *(f"{name:>12}" for name in columns))
    for row in next(iter(columns.values())):
        found = [float(f"{column[row]:.2g}") for column in columns.values()]
        print(f"{row:24}", *(f"{value:12,.10g}".replace(",", " ") for value in found))


SCALES = 30, 300, 3_000, 30_000, 1_000_000, 30_000_000
table(**{f"{people:,}".replace(",", " "): needs(people) for people in SCALES})
