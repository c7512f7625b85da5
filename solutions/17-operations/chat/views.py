from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.views import RedirectURLMixin
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.generic import FormView


def home(request):
    asked = request.GET.get("room", "")
    name = slugify(asked)[:90]
    if name:
        return redirect("room", room=name)
    return render(request, "chat/home.html", {"asked": asked})


def room(request, room):
    return render(request, "chat/room.html", {"room": room, "next": request.path})


class SignUp(RedirectURLMixin, FormView):
    form_class = UserCreationForm
    template_name = "registration/signup.html"
    next_page = "home"

    def get_context_data(self, **kwargs):
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)

    def form_valid(self, form):
        login(self.request, form.save())
        return super().form_valid(form)
