# %% [markdown]
# # 05 · Le chat, octet par octet
#
# À ouvrir après [le chapitre 05](../steps/05-consumers/README.md). Le chat parle. Ce carnet tient la conversation à plusieurs, puis regarde de plus près ce qui passe vraiment sur le fil, lu à la main.
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

project = "../solutions/05-consumers"
server = start(project)

page = server.url
address = page.replace("http", "ws") + "/chat/poneys/"

# %% [markdown]
# ## Une conversation
#
# Les lignes de `client.py`, sans Origin puis avec. **Qu'allez-vous entendre ?**

# %%
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

for origin in None, page:
    try:
        async with connect(address, origin=origin, proxy=None) as ws:
            print("avec Origin, HTTP", ws.response.status_code)
            print(await ws.recv())
            await ws.send("Salut les gens !")
            print(await ws.recv())
    except InvalidStatus as refusal:
        print("sans Origin, HTTP", refusal.response.status_code)
print("fermé, code", ws.close_code)

# %% [markdown]
# Et vu du serveur. **Lira-t-on les phrases dans son journal ?**

# %%
print(await server.journal("DISCONNECT"), "\n")
print(await server.journal("DISCONNECT"))

# %% [markdown]
# Non : il note qui entre et qui sort. Ce que l'on dit ne regarde que le salon.

# %% [markdown]
# ## Deux dans un salon, une ailleurs
#
# Ada et Blaise sont dans `poneys`, Chloé dans `licornes`. Chacun entend d'abord sa bienvenue.

# %%
ada = await connect(address, origin=page, proxy=None)
blaise = await connect(address, origin=page, proxy=None)
chloe = await connect(address.replace("poneys", "licornes"), origin=page, proxy=None)

for ws in ada, blaise, chloe:
    print(await ws.recv())

# %% [markdown]
# Ada parle, puis Chloé parle. **Qu'entend chacun, en premier ?**

# %%
await ada.send("Ici Ada.")
print("Ada entend", await ada.recv())
print("Blaise entend", await blaise.recv())

await chloe.send("Personne, ici.")
print("Chloé entend", await chloe.recv())

# %% [markdown]
# La première phrase qu'entend Chloé est la sienne : celle d'Ada n'est pas venue jusqu'à elle. C'est une meilleure preuve que d'attendre un silence, dont on ne sait jamais combien de temps il doit
# durer.
#
# Blaise s'en va. **Ada peut-elle encore parler, et à qui ?**

# %%
await blaise.close()
await ada.send("Blaise est parti.")
print("Ada entend", await ada.recv())
print("Blaise a fermé, code", blaise.close_code)

# %% [markdown]
# Ada s'entend elle-même : elle est encore inscrite dans le groupe. Blaise en a été retiré par `disconnect`.

# %% [markdown]
# ## Une trame, à la main
#
# Jusqu'ici, `websockets` parlait pour nous. Frappons nous-mêmes, avec une connexion TCP, et écrivons la demande. La clé devrait être tirée au hasard ; voici celle que la norme donne en exemple.
#
# **Que vaut la première ligne de la réponse ?**

# %%
import asyncio

request = f"""GET /chat/poneys/ HTTP/1.1
Host: 127.0.0.1:{server.port}
Origin: {page}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
Sec-WebSocket-Version: 13

"""
reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
writer.write(request.replace("\n", "\r\n").encode())
print((await reader.readuntil(b"\r\n\r\n")).decode().strip())

# %% [markdown]
# À partir d'ici, ce n'est plus du HTTP. La bienvenue est déjà arrivée, en une *frame* (trame). La voici en hexadécimal : deux chiffres pour un octet.
#
# **« Bienvenue » commence par un B, que l'ASCII écrit 42. Combien d'octets y a-t-il avant lui ?**

# %%
async with asyncio.timeout(2):
    head = await reader.readexactly(2)
    body = await reader.readexactly(head[1])
print((head + body).hex(" "))

# %% [markdown]
# Deux. Le premier se lit bit à bit :

# %%
print(f"{head[0]:08b}")
print("dernier morceau du message", head[0] >> 7)
print("sorte de trame", head[0] & 0b1111)

# %% [markdown]
# Le message tient en un seul morceau, et la sorte 1 est du texte. (2, ce sont des octets ; 8, un adieu ; 9, un *ping* ; 10, un *pong*.)
#
# Le second octet :

# %%
print(f"{head[1]:08b}")
print("masque", head[1] >> 7)
print("longueur", head[1] & 0b1111111)

# %% [markdown]
# Pas de masque, et la longueur du texte. Deux octets en tout pour porter la phrase : c'est toute l'enveloppe. **Et le corps, faut-il encore le déchiffrer ?**

# %%
print(body.decode())

# %% [markdown]
# Non : c'est de l'UTF-8, tel quel.
#
# À nous de parler. Un client doit masquer ses trames : il tire quatre octets au hasard, les donne, et combine chaque octet du texte avec l'un d'eux, par un « ou exclusif ». Voici « Été », avec le masque
# que la norme prend en exemple.
#
# **Combien d'octets pour ces trois lettres ?**

# %%
text = "Été".encode()
mask = bytes.fromhex("37 fa 21 3d")
masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
frame = bytes([0b10000001, 0b10000000 | len(text)]) + mask + masked
print(frame.hex(" "))

writer.write(frame)
async with asyncio.timeout(2):
    head = await reader.readexactly(2)
    print((await reader.readexactly(head[1])).decode())

# %% [markdown]
# Cinq octets : chaque « é » en prend deux. Le masque n'est pas un secret, puisqu'il voyage avec le texte. Il empêche une page malveillante de choisir les octets qui passent sur le fil, et de tromper
# ainsi un vieux proxy qui les prendrait pour du HTTP.
#
# Et si l'on oublie de masquer ? **Qui va s'en apercevoir : daphne, Channels, ou le chat ?**

# %%
writer.write(bytes([0b10000001, len(text)]) + text)
try:
    async with asyncio.timeout(2):
        print((await reader.readexactly(2)).hex(" "))
except (ConnectionError, asyncio.IncompleteReadError):
    print("connexion coupée")
writer.close()

# %% [markdown]
# Daphne, et sans un mot : la norme veut que l'on coupe la connexion d'un client qui ne masque pas. Ce que l'on écrit dans un consommateur n'arrive qu'après ce tri.

# %% [markdown]
# ## Les mauvaises adresses
#
# **Laquelle de ces adresses est celle d'un salon ?**

# %%
for path in "/chat/4chan-b/", "/chat/", "/chat/licornes", "/chat/" + "x" * 91 + "/":
    try:
        async with connect(page.replace("http", "ws") + path, origin=page, proxy=None) as ws:
            print(path[:20], await ws.recv())
    except InvalidStatus as refusal:
        print(path[:20], "HTTP", refusal.response.status_code)

# %% [markdown]
# Une seule. Les autres sont refusées, sans une erreur dans le journal : c'est le visiteur qui s'est trompé, et non le serveur.

# %% [markdown]
# ## À explorer
#
# **1.** Faites dire à Ada une phrase de 200 lettres, et lisez la trame à la main. Que devient le second octet ?
#
# <details><summary>Réponse</summary>
#
# Sept bits ne comptent que jusqu'à 127. Au-delà de 125, le second octet vaut 126, et les deux suivants donnent la longueur. 127 en annonce huit.
#
# </details>
#
# **2.** Ada envoie des octets : `await ada.send(b"\x00")`. Qu'entend-on, et pourquoi ?
#
# <details><summary>Réponse</summary>
#
# `<Anonymous troll> None`. Notre `receive` n'emploie que `text_data`, qui vaut `None` quand des octets arrivent.
#
# </details>
#
# **3.** Ada ouvre une seconde connexion au même salon, puis parle par la première. Combien de fois entend-elle sa phrase ?
#
# <details><summary>Réponse</summary>
#
# Deux, une fois par connexion. Le groupe ne connaît pas de personnes : il connaît des consommateurs, et il y en a un par connexion.
#
# </details>
