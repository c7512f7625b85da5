from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path, re_path

from . import views
from .routing import ROOM

urlpatterns = [
    path("", views.home, name="home"),
    path("compte/connexion/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("compte/deconnexion/", LogoutView.as_view(), name="logout"),
    path("compte/inscription/", views.SignUp.as_view(), name="signup"),
    re_path(ROOM, views.room, name="room"),
]
