from django.db import Error
from django.http import HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .models import Room


def health(request):
    """Dit si ce serveur peut rendre service : HTTP 200, ou 503."""
    try:
        Room.objects.exists()
    except Error as error:
        return JsonResponse({"base": str(error)}, status=503)
    return JsonResponse({"base": "ok"})


def metrics(request):
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
