"""Les adresses du tableau. Qui n'a pas la bonne ne voit rien."""

from django.conf import settings
from django.urls import path

from workshop.room import consumers, views

urlpatterns = [
    path(settings.BOARD_PATH, views.board, name="board"),
    path(settings.BOARD_PATH + "projection/", views.projection, name="projection"),
    path(settings.BOARD_PATH + "cause/<slug:step>/<slug:code>/", views.cause, name="cause"),
    path(settings.BOARD_PATH + "mesures.csv", views.csv, name="csv"),
    path(settings.ROOM_PATH, views.chat, name="chat"),
]

websocket_urlpatterns = [
    path(settings.BOARD_PATH, consumers.BoardConsumer.as_asgi()),
    path(settings.BOARD_PATH + "projection/", consumers.ProjectionConsumer.as_asgi()),
    path(settings.ROOM_PATH + "suivi/", consumers.LearnerConsumer.as_asgi()),
    path(settings.ROOM_PATH, consumers.ChatConsumer.as_asgi()),
]
