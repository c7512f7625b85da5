# %% [markdown]
# # 06 · Python joue le navigateur
#
# À ouvrir après [le chapitre 06](../steps/06-console/README.md). Vous avez collé quatre lignes dans un vrai navigateur. Ce carnet refait les mêmes gestes en Python : écouter sans attendre, montrer un
# cookie, recevoir une balise, perdre la connexion.
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

project = "../solutions/06-console"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Une voix
#
# Les lignes de `client.py` attendent, l'une après l'autre :

# %%
from websockets.asyncio.client import connect

async with connect(address, origin=page, proxy=None) as ws:
    print(await ws.recv())
    await ws.send("Salut les gens !")
    print(await ws.recv())

# %% [markdown]
# Celles de `console.js` n'attendent pas : elles disent d'avance quoi faire. En Python, on confie l'écoute à une tâche, qui vit à côté du reste.
#
# **Qu'aura-t-on entendu, aussitôt la tâche créée ?**

# %%
import asyncio

heard = []


async def onmessage(ws):
    async for message in ws:
        heard.append(message)


ws = await connect(address, origin=page, proxy=None)
listening = asyncio.create_task(onmessage(ws))
print("entendu jusqu'ici", heard)

await ws.send("Bonjour depuis un carnet.")
while len(heard) < 2:
    await asyncio.sleep(0.01)
print(*heard, sep="\n")

# %% [markdown]
# Rien encore. `create_task` ne fait que préparer la tâche ; elle commence quand la cellule rend la main, à un `await`. Rien n'est perdu pour autant : la bienvenue attendait.
#
# Dans un navigateur, personne ne garde les messages. Un `onmessage` posé trop tard les perd : c'est ce qui arrivait aux trois lignes de 2016, tapées une par une.

# %% [markdown]
# ## Un danger
#
# Le salon porte les phrases telles quelles. **Que reste-t-il de cette balise à l'arrivée ?**

# %%
attack = "<img src=x onerror=\"document.title = 'Cette page est à moi'\">"
await ws.send(attack)
while len(heard) < 3:
    await asyncio.sleep(0.01)
print(heard[-1])

# %% [markdown]
# Tout. Et c'est très bien ainsi : un chat où l'on parle de HTML doit pouvoir en citer. Le danger n'est pas dans la phrase, il est dans la page qui l'affiche par `innerHTML`. `textContent` fait à peu
# près ceci :

# %%
from html import escape

print(escape(heard[-1]))

# %% [markdown]
# ## Qui parle ?
#
# Un navigateur ajoute à sa demande ce que la page n'a pas écrit : l'Origin, et le cookie de session. C'est par lui que le chat connaît votre nom. Le carnet prépare une base, une personne et sa session, dans
# la copie du projet.

# %%
import subprocess

prepare = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.core.management import call_command

call_command("migrate", verbosity=0)
ada = User.objects.create(username="ada", first_name="Ada", last_name="Lovelace")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = ada.pk
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = ada.get_session_auth_hash()
session.save()
print(session.session_key)
"""
done = subprocess.run(
    [server.python, "manage.py", "shell", "--no-imports", "-c", prepare],
    cwd=server.project,
    capture_output=True,
    text=True,
)
cookie = f"sessionid={done.stdout.strip()}"
print("prêt" if done.returncode == 0 else done.stderr)

# %% [markdown]
# **Comment le chat va-t-il saluer ? Et que faudrait-il voler à Ada pour parler en son nom ?**

# %%
async with connect(address, origin=page, additional_headers={"Cookie": cookie}, proxy=None) as ada:
    print(await ada.recv())
    await ada.send("Me voici.")
    print(await ada.recv())

# %% [markdown]
# Le cookie, et lui seul. Le navigateur l'envoie de lui-même à chaque demande faite à ce serveur, quelle que soit la page qui la fait. Voilà pourquoi le validateur d'Origin compte : sans lui, une page d'un
# autre site parlerait au nom d'Ada, avec le cookie d'Ada, sans jamais le lire.

# %% [markdown]
# ## Perdre la connexion
#
# `onclose` reçoit un code. Le serveur s'arrête net, comme un câble que l'on débranche. **Lequel ?**

# %%
listening.cancel()
server.stop()
await ws.wait_closed()
print("fermé, code", ws.close_code)

# %% [markdown]
# 1006 : personne n'a dit au revoir. Le serveur n'a rien envoyé, et ce code n'a pas voyagé : c'est le client qui constate. La page du chapitre 08 devra le constater aussi, et revenir d'elle-même.

# %% [markdown]
# ## À explorer
#
# **1.** Ajoutez un second `async for` sur la même connexion, dans une autre tâche. Qui entend quoi ?
#
# <details><summary>Réponse</summary>
#
# La seconde tâche s'arrête : `exception()` y montre une `ConcurrencyError`. Deux lecteurs d'une même connexion se voleraient les messages ; un seul écoute, et répartit.
#
# </details>
#
# **2.** Changez une lettre du cookie. Que devient le nom ?
#
# <details><summary>Réponse</summary>
#
# `Anonymous troll`. Une session inconnue n'est pas une erreur : c'est quelqu'un qui ne s'est pas identifié.
#
# </details>
#
# **3.** Relancez `start`, ouvrez une connexion, puis écrivez `server.stop()` et, aussitôt, `await ws.send("Allô ?")`. Que se passe-t-il ?
#
# <details><summary>Réponse</summary>
#
# `ConnectionClosedError`, ou rien du tout si la coupure n'est pas encore connue : envoyer ne prouve pas que l'autre a reçu.
#
# </details>
