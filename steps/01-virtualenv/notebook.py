# %% [markdown]
# # 01 · Frapper à une porte qui n'existe pas
#
# À ouvrir après [le chapitre 01](../steps/01-virtualenv/README.md). Votre dossier `live` est prêt, et rien n'y écoute encore. Ce carnet frappe quand même, et regarde de près les façons d'être
# mal reçu : vous les rencontrerez toutes un jour, et chacune dit autre chose.
#
# **Maj + Entrée** lance une cellule et passe à la suivante. Avant chacune, répondez à la question : c'est en se trompant que l'on retient.

# %% [markdown]
# ## Le projet
#
# Le carnet lit un projet, celui de la solution. Pour lire le vôtre, écrivez `"../live"` et relancez les cellules depuis celle-ci.

# %%
from importlib.metadata import version
from pathlib import Path

project = "../solutions/01-virtualenv"

# %% [markdown]
# Le carnet a son propre Python, celui de `.venv`, à la racine. **A-t-il les mêmes versions que votre liste ?**

# %%
for line in Path(project, "requirements.txt").read_text("utf-8").split():
    package, wanted = line.split("==")
    print(package, wanted, "identique" if version(package) == wanted else version(package))

# %% [markdown]
# `constraints.txt` a donné les mêmes à tout le monde. Deux environnements, une seule liste de versions.

# %% [markdown]
# ## Personne
#
# Pour la première fois, voici la ligne de `client.py` qui frappe à la porte. Un nom de machine, un port, un chemin. Le système choisit pour nous un port libre, où personne n'écoute.
#
# `await` attend la réponse. Dans un carnet, on peut l'écrire tel quel dans une cellule.
#
# **Qui va répondre, puisque personne n'est là ?**

# %%
import socket

from websockets.asyncio.client import connect

with socket.socket() as door:
    door.bind(("127.0.0.1", 0))
    port = door.getsockname()[1]
address = f"ws://127.0.0.1:{port}/chat/poneys/"

try:
    await connect(address, proxy=None)
except OSError as error:
    print(type(error).__name__)

# %% [markdown]
# La connexion est refusée, et presque aussitôt. Ce n'est pas un programme qui refuse : il n'y en a pas. C'est le système lui-même, qui répond que personne n'écoute ce port.
#
# Un port fermé ne se confond donc pas avec un réseau en panne, qui, lui, ne répond rien.

# %% [markdown]
# ## Quelqu'un qui ne parle pas
#
# Mettons sur ce port un programme qui accepte la connexion, et se tait. **La connexion est-elle encore refusée ?**

# %%
import asyncio


async def mute(reader, writer):
    await reader.read()
    writer.close()


listener = await asyncio.start_server(mute, "127.0.0.1", port)
try:
    await connect(address, proxy=None, open_timeout=0.5)
except TimeoutError as error:
    print(type(error).__name__)
listener.close()

# %% [markdown]
# Non : elle est établie. Mais `connect` attend davantage. Il attend qu'on lui réponde, et rien ne vient. Sans `open_timeout`, la cellule attendrait dix secondes.
#
# Tout ce qui attend, dans cet atelier, attend avec un délai. Un programme qui parle à un autre ne sait jamais si l'autre va répondre.

# %% [markdown]
# ## Quelqu'un qui parle une autre langue
#
# Sur le même port, maintenant, un programme qui salue en français. **Le client va-t-il lire la salutation ?**

# %%
from websockets.exceptions import InvalidMessage


async def polite(reader, writer):
    writer.write("Bonjour. Je vous écoute.\r\n\r\n".encode())
    await reader.read()
    writer.close()


listener = await asyncio.start_server(polite, "127.0.0.1", port)
try:
    await connect(address, proxy=None, open_timeout=2)
except InvalidMessage as error:
    print(type(error).__name__, "parce que", error.__cause__)
listener.close()

# %% [markdown]
# Le client attendait une réponse HTTP, qui commence par `HTTP/1.1` et un nombre. Un WebSocket commence donc par une demande HTTP : c'est le sujet du chapitre 02.
#
# Trois façons d'être mal reçu : personne n'écoute le port ; quelqu'un écoute et se tait ; quelqu'un répond, dans une autre langue. `client.py` dira `connexion refusée`, `silence` et
# `connexion coupée`.

# %% [markdown]
# ## À explorer
#
# Changez une cellule, relancez-la, et voyez.
#
# **1.** Remplacez `127.0.0.1` par `localhost` dans l'adresse, au premier essai. La réponse change-t-elle ?
#
# <details><summary>Réponse</summary>
#
# Non : `localhost` est un nom de votre propre machine, et personne n'y écoute davantage. Selon les machines, il désigne deux adresses, `127.0.0.1` et `::1` ; le client essaie les deux.
#
# </details>
#
# **2.** Essayez `ws://chat.invalid/`. Quelle exception, et à quel moment ?
#
# <details><summary>Réponse</summary>
#
# `gaierror` : il n'y a pas de machine de ce nom. On n'a même pas atteint une machine. Les noms en `.invalid` n'existent jamais, c'est leur raison d'être.
#
# </details>
#
# **3.** Que faudrait-il écrire, à la place de la salutation, pour que le client croie à une réponse HTTP ?
#
# <details><summary>Réponse</summary>
#
# `"HTTP/1.1 404 Not Found\r\n\r\n"`, par exemple. L'exception devient `InvalidStatus` : le client a compris la réponse, et cette réponse est un refus. C'est ce que vous verrez au chapitre 02.
#
# </details>
