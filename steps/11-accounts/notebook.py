# %% [markdown]
# # 11 · Les comptes et les portes, un par un
#
# À ouvrir après [le chapitre 11](../steps/11-accounts/README.md). Le chat sait qui parle, refuse ce qui est de travers, et dit pourquoi. Ce carnet frappe à chaque porte, et lit la raison et le code.
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

project = "../solutions/11-accounts"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Qui entre
#
# Le chat n'admet que ses propres pages. Celle d'un autre port de la même machine est-elle chez elle ? **Laquelle de ces quatre origines entre ?**

# %%
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

port = server.port
for name, origin in {
    "aucune": None,
    "la page du chat": page,
    "un autre port": f"http://127.0.0.1:{port + 1}",
    "un autre nom de la même machine": f"http://localhost:{port}",
}.items():
    try:
        async with connect(address, origin=origin, proxy=None) as ws:
            print(name, ":", await ws.recv())
    except InvalidStatus as refusal:
        print(name, ": HTTP", refusal.response.status_code)

# %% [markdown]
# Une seule. `localhost` est pourtant la même machine : mais une origine est un nom, et ce n'est pas le même. Le navigateur, lui, n'enverrait pas à l'un le cookie de l'autre.

# %% [markdown]
# ## Une raison pour chaque refus
#
# Entrons comme la page, en JSON, et disons n'importe quoi. **Lesquelles de ces trames ferment la connexion ?**

# %%
import json


async def enter(room="poneys", **options):
    """Entre comme la page, et entend sa bienvenue."""
    ws = await connect(
        address.replace("poneys", room),
        origin=page,
        subprotocols=["json"],
        proxy=None,
        **options,
    )
    print(json.loads(await ws.recv()))
    return ws


async def hear(ws):
    """Renvoie la raison d'un refus, « accepté », ou le code de la fermeture."""
    try:
        frame = json.loads(await ws.recv())
    except ConnectionClosed:
        return f"fermé, code {ws.close_code}"
    return frame.get("reason", "accepté")


ada = await enter()
for frame in "salut", "[]", '{"type": "danse"}', '{"type": "message", "text": 3}', b"\0\1":
    await ada.send(frame)
    print(frame, ":", await hear(ada))

# %% [markdown]
# Aucune : le visiteur apprend ce qui ne va pas, et peut continuer. **Et ces deux textes, que la base ne sait pas garder ?**

# %%
for text in "un nul : \0", "une moitié d'emoji : \ud83d":
    await ada.send(json.dumps({"type": "message", "key": "a1", "text": text}))
    print(await hear(ada))

# %% [markdown]
# Le même refus, avec la clé `a1` : la page sait quel texte rendre à qui l'a écrit.

# %% [markdown]
# ## La session
#
# Chloé crée un compte. Ni navigateur ni page : la bibliothèque standard lit le formulaire, y prend le jeton, et garde les cookies. **Comment le chat l'appellera-t-il ?**

# %%
import re
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

jar = CookieJar()
browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(jar))


def submit(path, target=None, **fields):
    """Lit une page, et envoie un formulaire avec son jeton."""
    text = browser.open(page + path).read().decode()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', text)[1]
    data = urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
    return browser.open(page + (target or path), data)


password = "trois-poneys-Verts-9"
submit("/compte/inscription/", username="chloe", password1=password, password2=password)
cookie = "; ".join(f"{one.name}={one.value}" for one in jar)
chloe = await enter(additional_headers={"Cookie": cookie})

# %% [markdown]
# Elle se déconnecte du site. **Qu'entend sa connexion au chat, qui n'a rien demandé ?**

# %%
submit("/", "/compte/deconnexion/")
print(await hear(chloe))
print(await hear(chloe))

# %% [markdown]
# Une raison, puis 4401.

# %% [markdown]
# ## À explorer
#
# **1.** Ouvrez une connexion sans le sous-protocole `json`, et envoyez dix mille et un caractères. Comment le refus est-il dit ?
#
# <details><summary>Réponse</summary>
#
# En une phrase : « Refusé : Un message a 10000 caractères au plus ; celui-ci, 10001. » Qui parle en texte est refusé en texte.
#
# </details>
#
# **2.** Ouvrez deux connexions avec le cookie de Chloé, dans deux salons, avant sa déconnexion. Laquelle entend 4401 ?
#
# <details><summary>Réponse</summary>
#
# Les deux : le groupe est celui de la session, et non celui du salon. Une autre session de Chloé, dans un autre navigateur, resterait ouverte.
#
# </details>
