"""Les routes du projet, puis une page sur `/` s'il n'en a pas."""

from pathlib import Path

from django.http import HttpResponse
from django.urls import path
from live.urls import urlpatterns as project_urlpatterns

PAGE = Path(__file__).with_name("page.html")


def page(request):
    return HttpResponse(PAGE.read_text("utf-8"))


urlpatterns = [*project_urlpatterns, path("", page)]
