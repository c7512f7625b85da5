from django.urls import path

from . import views
from .rooms import ROOM

urlpatterns = [
    path("", views.home, name="home"),
    path(ROOM, views.room, name="room"),
]
