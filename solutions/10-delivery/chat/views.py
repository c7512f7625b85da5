from django.shortcuts import redirect, render
from django.utils.text import slugify


def home(request):
    name = slugify(request.GET.get("room", ""))[:90]
    if name:
        return redirect("room", room=name)
    return render(request, "chat/home.html")


def room(request, room):
    return render(request, "chat/room.html", {"room": room})
