from django.urls import path, re_path

from . import views
from .routing import ROOM

urlpatterns = [
    path("", views.home, name="home"),
    re_path(ROOM, views.room, name="room"),
]
