# %% [markdown]
# # 12 · Les limites, au jeton près
#
# À ouvrir après [le chapitre 12](../steps/12-limits/README.md). Le chat freine qui va trop vite, raccroche à qui envoie trop gros, et dit pourquoi. Ce carnet vide un seau, pèse une trame, et lit la politique des pages.
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

project = "../solutions/12-limits"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Le seau
#
# Une connexion a cent jetons, et en regagne cinq par seconde. Entrer en coûte cinq ; une trame, un, et un de plus par millier de caractères. Blaise envoie de longs messages, de neuf mille caractères.
# **Combien passeront avant le premier refus ?**

# %%
import json

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


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
# ## Le frein
#
# Dix mots de passe essayés sur un compte, puis un onzième. **Que répond la page de connexion à chacun ?**

# %%
import re
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))


def attempt(name, password):
    """Essaie un mot de passe ; renvoie le code de la réponse."""
    text = browser.open(page + "/compte/connexion/").read().decode()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', text)[1]
    fields = {"csrfmiddlewaretoken": token, "username": name, "password": password}
    try:
        return browser.open(page + "/compte/connexion/", urlencode(fields).encode()).status
    except HTTPError as refusal:
        return refusal.code


print([attempt("chloe", f"essai {number}") for number in range(11)])

# %% [markdown]
# Dix fois 200, la page et son « mot de passe incorrect » ; puis 429. Le compte n'existe pas : le frein n'en sait rien, et ne le dit donc à personne. **Et un autre nom, de la même adresse ?**

# %%
print(attempt("denise", "essai"))

# %% [markdown]
# 200. Chaque compte a son seau ; celui des formulaires, que toute l'adresse partage, en a encore près de deux cents.

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
