"""Les adresses de `lire`."""

from django.urls import path

from workshop.reading import views

urlpatterns = [
    path("marge.js", views.margin),
    path("slides/html/<str:name>.html", views.deck),
    path("", views.page),
    path("<path:path>", views.page),
]
