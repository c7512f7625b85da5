import json

from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import Max

from .models import Message, Room

PAGE = 50
LONGEST_ANSWER = 60_000
ERA = 1_000_000


@database_sync_to_async
def keep(room, said):
    """Garde plusieurs messages d'un trait ; renvoie chacun, et s'il est nouveau."""
    with transaction.atomic():
        counter, _ = Room.objects.select_for_update().get_or_create(
            name=room, defaults={"last": era}
        )
        keys = [key for *_, key in said if key]
        known = {one.key: one for one in Message.objects.filter(room=room, key__in=keys)}
        found, new = [], []
        for name, text, author, key in said:
            message = known.get(key)
            is_new = not message
            if is_new:
                counter.last += 1
                message = Message(
                    room=room, number=counter.last, key=key, author_id=author, name=name, text=text
                )
                new.append(message)
                if key:
                    known[key] = message
            found.append((message, is_new))
        counter.save()
        Message.objects.bulk_create(new)
        return [(message.as_dict(), is_new) for message, is_new in found]


def era():
    """Renvoie d'où partent les numéros d'un salon neuf."""
    highest = Room.objects.aggregate(highest=Max("last"))["highest"] or 0
    return highest if highest >= ERA else 0


@database_sync_to_async
def after(room, number):
    return page(room, Message.objects.filter(room=room, number__gt=number))


@database_sync_to_async
def before(room, number=None):
    messages = Message.objects.filter(room=room).order_by("-number")
    if number is not None:
        messages = messages.filter(number__lt=number)
    return page(room, messages)


def page(room, messages):
    # Lu avant les messages : celui qui viendrait entre les deux ne peut pas manquer.
    last = last_number(room)
    found, size = [], 0
    for message in messages[:PAGE]:
        told = message.as_dict()
        size += len(json.dumps(told, ensure_ascii=False).encode())
        if found and size > LONGEST_ANSWER:
            break
        found.append(told)
    found.sort(key=lambda told: told["number"])
    return {"type": "history", "last": last, "messages": found}


def last_number(room):
    counter = Room.objects.filter(name=room).first()
    return counter.last if counter else 0
