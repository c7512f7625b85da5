# %% [markdown]
# # 08 · La ruée
#
# À ouvrir après [le chapitre 08](../steps/08-reconnection/README.md). Une page coupée attend, essaie, attend davantage. Ce carnet fait comme elle devant un serveur arrêté, puis calcule ce qui se
# passe quand mille pages reviennent ensemble.
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

project = "../solutions/08-reconnection"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Une coupure
#
# Entrons, puis arrêtons le serveur. **Le client apprend-il que c'est fini ? Par quel code ?**

# %%
from websockets.asyncio.client import connect

ws = await connect(address, origin=page, proxy=None)
print(await ws.recv())

server.stop()
await ws.wait_closed()
print("fermé, code", ws.close_code)

# %% [markdown]
# Le système a fermé la connexion à la place du serveur, et le client l'a su aussitôt : c'est ce que reçoit `onclose`. D'un câble que l'on débranche, il n'aurait rien su.
#
# ## Attendre, comme la page
#
# Voici `wait`, en Python. Il essaie vraiment ; seules ses secondes sont dix fois plus courtes. **Que valent les cinq premiers délais ?**

# %%
import asyncio
import random

LONGEST_WAIT = 30
chance = random.Random(8)

for failures in range(5):
    try:
        await connect(address, origin=page, proxy=None)
    except OSError:
        seconds = min(LONGEST_WAIT, 2**failures) * (0.5 + chance.random() / 2)
        print(f"échec, on attend {seconds:4.1f} s, entre {2**failures / 2:g} et {2**failures}")
        await asyncio.sleep(seconds / 10)

# %% [markdown]
# Le hasard reste dans la moitié haute : on attend toujours un peu, et de plus en plus.

# %% [markdown]
# ## La ruée
#
# Mille pages sont coupées à l'instant 0. Voici la formule de `wait`, en Python, avec le hasard et sans lui. Le serveur reste arrêté : chaque page essaie, échoue, attend davantage.

# %%
from collections import Counter

PAGES = 1000


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
# **1.** Dans `arrivals`, remplacez `0.5 + chance.random() / 2` par `chance.random()`. Que devient le pire dixième de seconde, et qu'a-t-on perdu ?
#
# <details><summary>Réponse</summary>
#
# La vague s'étale sur toute la seconde au lieu de la moitié. Mais certaines pages reviennent presque aussitôt, avant que le serveur n'ait eu le temps de se lever.
#
# </details>
#
# **2.** Relancez la cellule du projet, ouvrez dans votre navigateur l'adresse que donne `print(page + "/chat/poneys/")`, puis tapez `server.stop()` dans une cellule. Que dit la page ?
#
# <details><summary>Réponse</summary>
#
# « reconnexion dans 1 s », puis des délais qui grandissent. Relancez la cellule du projet : le nouveau serveur a un autre port, et la page l'attendra en vain.
#
# </details>
#
# **3.** Une panne dure une heure. Combien de coups chaque page frappe-t-elle, avec un plafond de 30 secondes ? Et avec un plafond de 2 ?
#
# <details><summary>Réponse</summary>
#
# Environ 160, puis environ 2 400 : un délai vaut en moyenne les trois quarts du plafond. Le plafond décide de ce que coûte une longue panne, et de l'attente de chacun quand elle finit.
#
# </details>
