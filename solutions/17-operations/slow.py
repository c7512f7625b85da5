import asyncio
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "live.settings")
django.setup()

from chat import subscriptions  # noqa: E402
from chat.outbox import Outbox  # noqa: E402


class Member:
    def __init__(self, is_json, reads):
        self.json, self.reads, self.heard = is_json, reads, 0
        self.outbox = Outbox(self.send, read_after=None)
        self.hear = self.outbox.put

    async def send(self, frame):
        if not self.reads:
            await asyncio.Event().wait()
        self.heard += 1


async def tell_all(room):
    for number in range(1, 1001):
        room.tell([{"number": number, "name": "Zoé", "text": "oui"}])
        await asyncio.sleep(0)


async def main():
    room = subscriptions.find(subscriptions.Room, "lent")
    blaise, ada = Member(True, reads=False), Member(False, reads=True)
    await room.join(blaise)
    await room.join(ada)
    telling = asyncio.create_task(tell_all(room))
    await asyncio.wait([telling], timeout=2)
    print("Blaise est en retard :", blaise.outbox.is_late)
    print("sa boîte garde", len(blaise.outbox.waiting), "trames")
    print("Ada a entendu", ada.heard, "messages sur 1000")


asyncio.run(main())
