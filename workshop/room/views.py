"""Les pages du tableau, et celle du salon."""

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers

from workshop.chapters.steps import find_step
from workshop.room import guide
from workshop.room.measures import measures
from workshop.room.picture import STEPS
from workshop.room.picture import board as the_board
from workshop.room.story import GOAL, LONGEST_NAME, Unreadable, clean_name


class NameForm(forms.Form):
    name = forms.CharField(label="Votre nom", max_length=LONGEST_NAME)

    def clean_name(self):
        try:
            return clean_name(self.cleaned_data["name"])
        except Unreadable as error:
            raise forms.ValidationError(str(error)) from None


def board(request):
    return render(request, "room/board.html", {"room_path": settings.ROOM_PATH})


def projection(request):
    address = request.build_absolute_uri(f"/{settings.ROOM_PATH}")
    return render(request, "room/projection.html", {"address": address})


def cause(request, step, code):
    goal = request.GET.get("but", "")
    if step not in STEPS or not GOAL.fullmatch(goal):
        raise Http404
    found = guide.cause(step, code, goal)
    context = {
        "cause": found,
        "title": guide.cause_title(step, code, goal),
        "step": find_step(step),
    }
    return render(request, "room/cause.html", context | {"code": code})


def csv(request):
    stories = [row.story for row in the_board.rows.values()]
    answer = HttpResponse(
        # Sans cette marque, Excel prendrait les accents pour autre chose.
        "\ufeff" + measures(stories, the_board.steps),
        content_type="text/csv; charset=utf-8",
    )
    answer["Content-Disposition"] = "attachment; filename=mesures.csv"
    add_never_cache_headers(answer)
    return answer


def chat(request):
    form = NameForm(request.POST or None)
    if form.is_valid():
        request.session["name"] = form.cleaned_data["name"]
        return redirect("chat")
    return render(request, "room/chat.html", {"form": form, "name": request.session.get("name")})
