from channels.db import database_sync_to_async
from django.db import transaction
from django.db.models import Max

from .models import Message

PAGE = 50


@database_sync_to_async
def keep(room, name, text, key=None):
    with transaction.atomic():
        known = key and Message.objects.filter(room=room, key=key).first()
        if known:
            return known.as_dict(), False
        number = last_number(room) + 1
        message = Message.objects.create(room=room, number=number, key=key, name=name, text=text)
        return message.as_dict(), True


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
    found = sorted(messages[:PAGE], key=lambda message: message.number)
    return {
        "type": "history",
        "last": last_number(room),
        "messages": [message.as_dict() for message in found],
    }


def last_number(room):
    return Message.objects.filter(room=room).aggregate(last=Max("number"))["last"] or 0
