"""
WSGI config for live project.

It exposes the WSGI callable as a module-level variable named ``application``.

For more information on this file, see
https://docs.djangoproject.com/en/5.2/howto/deployment/wsgi/
"""

import os

from django.core.wsgi import get_wsgi_application

# Qui entre par ici sans avoir lu les réglages est loin de chez soi.
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'live.production')

application = get_wsgi_application()
