"""Les réglages de ce chat : le moins qu'il lui faut."""

SECRET_KEY = "le-temps-d-une-course"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["channels"]
ROOT_URLCONF = "workshop.bench.tutorial.consumers"
ASGI_APPLICATION = "workshop.bench.tutorial.asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
USE_TZ = True
