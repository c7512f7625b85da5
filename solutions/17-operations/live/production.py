import os

from django.core.exceptions import ImproperlyConfigured

os.environ['DJANGO_DEBUG'] = '0'

for name in ('DJANGO_SECRET_KEY', 'DJANGO_ALLOWED_HOSTS', 'DATABASE_URL', 'REDIS_URL'):
    if not os.environ.get(name):
        raise ImproperlyConfigured(f'En production, donnez la variable {name}.')

from .settings import *  # noqa: E402, F403

# Le mandataire reçoit en TLS, et nous parle en clair : il dit ce qu'il a reçu.
SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https')
SECURE_SSL_REDIRECT = True
# Qui tient le chat lui parle en clair, sans passer par le mandataire.
SECURE_REDIRECT_EXEMPT = ['^interne/']
SECURE_HSTS_SECONDS = 3600
# Nos sous-domaines et les listes des navigateurs engagent plus que ce chat.
SILENCED_SYSTEM_CHECKS = ['security.W005', 'security.W021']

STATIC_ROOT = BASE_DIR / 'staticfiles'  # noqa: F405
STORAGES = {
    'default': {'BACKEND': 'django.core.files.storage.FileSystemStorage'},
    'staticfiles': {
        'BACKEND': 'django.contrib.staticfiles.storage.ManifestStaticFilesStorage',
    },
}

LOGGING = {
    'version': 1,
    'disable_existing_loggers': False,
    'formatters': {
        'json': {
            '()': 'pythonjsonlogger.json.JsonFormatter',
            'fmt': ['levelname', 'name', 'message'],
            'timestamp': True,
            'json_ensure_ascii': False,
        },
    },
    'handlers': {'console': {'class': 'logging.StreamHandler', 'formatter': 'json'}},
    'root': {'handlers': ['console'], 'level': 'INFO'},
    'loggers': {'uvicorn': {'level': 'WARNING'}},
}
