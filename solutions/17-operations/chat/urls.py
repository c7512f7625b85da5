from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from . import inside, views
from .rooms import ROOM

urlpatterns = [
    path("", views.home, name="home"),
    path("compte/connexion/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("compte/deconnexion/", LogoutView.as_view(), name="logout"),
    path("compte/inscription/", views.SignUp.as_view(), name="signup"),
    path("interne/sante/", inside.health),
    path("interne/mesures/", inside.metrics),
    path(ROOM, views.room, name="room"),
]
