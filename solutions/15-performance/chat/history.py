from channels.db import database_sync_to_async
from django.db import transaction

from .models import Message, Room

PAGE = 50


@database_sync_to_async
def keep(room, said):
    """Garde plusieurs messages d'un trait ; renvoie chacun, et s'il est nouveau."""
    with transaction.atomic():
        counter, _ = Room.objects.select_for_update().get_or_create(name=room)
        keys = [key for _, _, key in said if key]
        known = {one.key: one for one in Message.objects.filter(room=room, key__in=keys)}
        found, new = [], []
        for name, text, key in said:
            message = known.get(key)
            is_new = not message
            if is_new:
                counter.last += 1
                message = Message(room=room, number=counter.last, key=key, name=name, text=text)
                new.append(message)
                if key:
                    known[key] = message
            found.append((message, is_new))
        counter.save()
        Message.objects.bulk_create(new)
        return [(message.as_dict(), is_new) for message, is_new in found]


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
    found = sorted(messages[:PAGE], key=lambda message: message.number)
    return {
        "type": "history",
        "last": last,
        "messages": [message.as_dict() for message in found],
    }


def last_number(room):
    counter = Room.objects.filter(name=room).first()
    return counter.last if counter else 0
