from django.urls import register_converter
from django.urls.converters import StringConverter


class RoomConverter(StringConverter):
    regex = "[-a-zA-Z0-9_]{1,90}"


register_converter(RoomConverter, "room")

ROOM = "chat/<room:room>/"
