# %% [markdown]
# # 11 · Les portes, une par une
#
# À ouvrir après [le chapitre 11](../steps/11-accounts/README.md). Le chat refuse, et dit pourquoi. Ce carnet frappe à chaque porte, lit la raison et le code, et pèse les trames au jeton près.
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
# ## Le seau
#
# Une connexion a cent jetons, et en regagne cinq par seconde. Entrer en coûte cinq ; une trame, un, et un de plus par millier de caractères. Blaise envoie de longs messages, de neuf mille caractères.
# **Combien passeront avant le premier refus ?**

# %%
blaise = await enter()
long = json.dumps({"type": "message", "key": None, "text": "x" * 9000})
accepted, wait = 0, None
while not wait:
    await blaise.send(long)
    frame = json.loads(await blaise.recv())
    wait = frame.get("wait")
    accepted += not wait
print("neuf, ou à peine plus" if 9 <= accepted < 15 else accepted)
print(frame["reason"])

# %% [markdown]
# Neuf : 95 jetons, à dix la trame, et les cinq qui restent ne suffisent pas. La trame de refus porte `wait`, le temps de regagner ce qui manque. **Si l'on attend, sera-t-on entendu ?**

# %%
import asyncio

await asyncio.sleep(wait)
await blaise.send(long)
print(await hear(blaise))

# %% [markdown]
# Oui : personne n'est puni, on attend. Mais qui insiste accumule les refus, et leur prix. **Que se passe-t-il quand il atteint cinquante ?**

# %%
for _ in range(15):
    await blaise.send(long)
answers = []
while not answers or "fermé" not in answers[-1]:
    answers.append(await hear(blaise))
print(answers[0])
print(answers[-1])

# %% [markdown]
# 4429. Blaise peut revenir, avec un seau neuf ; celui de son adresse, lui, se souvient.

# %% [markdown]
# ## Le poids
#
# Ada envoie dix mégaoctets. **Combien le serveur en aura-t-il lu avant de refuser ?**

# %%
import contextlib

ada = await enter()
with contextlib.suppress(ConnectionClosed):
    await ada.send("x" * 10_000_000)
print(await hear(ada))
print(ada.close_reason)

# %% [markdown]
# L'en-tête d'une trame annonce sa longueur : le serveur n'a pas besoin du reste, et ne le lit pas. La raison, en anglais, vient de la bibliothèque que daphne emploie.

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
# ## La politique
#
# **Quel mot, dans cet en-tête, permettrait un script écrit dans le HTML ?**

# %%
policy = browser.open(page + "/").headers["Content-Security-Policy"]
print(*sorted(policy.split("; ")), sep="\n")

# %% [markdown]
# Aucun : il faudrait `'unsafe-inline'`, et le mot `unsafe` dit ce que l'on en pense.

# %% [markdown]
# ## À explorer
#
# **1.** Refaites l'expérience du seau depuis deux connexions à la fois. Que change le seau de l'adresse ?
#
# <details><summary>Réponse</summary>
#
# Rien encore : il a mille cinq cents jetons. Il faut une quinzaine de connexions qui vident le leur pour le vider à son tour ; alors, toute l'adresse attend.
#
# </details>
#
# **2.** Envoyez à Ada un message de dix mille emojis. Passe-t-il, et que coûte-t-il ?
#
# <details><summary>Réponse</summary>
#
# Il passe : dix mille caractères, et quarante kilooctets sur le fil. Le prix se compte en caractères de la trame : onze jetons, ou davantage si votre bibliothèque écrit les emojis avec des `\u`.
#
# </details>
#
# **3.** Ouvrez une connexion sans le sous-protocole `json`, et envoyez dix mille et un caractères. Comment le refus est-il dit ?
#
# <details><summary>Réponse</summary>
#
# En une phrase : « Refusé : Un message a 10000 caractères au plus ; celui-ci, 10001. » Qui parle en texte est refusé en texte.
#
# </details>
