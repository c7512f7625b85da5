"""Ada parle sans le serveur : python ada.py SALON PHRASE [FOIS]. Un {} y devient un numéro."""

import asyncio
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "live.settings")
django.setup()


async def main(room, sentence, times=1):
    # Les modèles ne se lisent qu'une fois le projet prêt.
    from chat.history import keep

    for number in range(1, int(times) + 1):
        await keep(room, "Ada", sentence.replace("{}", str(number)))


asyncio.run(main(*sys.argv[1:]))
