"""Les pages, telles que Sphinx les a faites ; sur chacune, de quoi remplir la marge."""

from pathlib import Path

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.http import Http404, HttpResponse
from django.utils._os import safe_join
from django.views.decorators.clickjacking import xframe_options_sameorigin

# Ceux de `mimetypes` dépendent de la machine : sous Windows, du registre.
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
MARGIN = '<script src="/marge.js" defer></script>\n</head>'


def page(request, path=""):
    """Renvoie un fichier des pages."""
    content, kind = _read(path or "index.html")
    if kind == TYPES[".html"]:
        content = content.replace(b"</head>", MARGIN.encode(), 1)
    return _never_kept(HttpResponse(content, content_type=kind))


# Marp met le style et le code d'un jeu de diapositives dans sa page ; sa vue de présentation la
# montre dans un cadre.
@csp_replace(
    {
        "script-src": [SELF, UNSAFE_INLINE],
        "style-src": [SELF, UNSAFE_INLINE],
        "frame-ancestors": [SELF],
    }
)
@xframe_options_sameorigin
def deck(request, name):
    """Renvoie un jeu de diapositives."""
    content, kind = _read(f"slides/html/{name}.html")
    return _never_kept(HttpResponse(content, content_type=kind))


def margin(request):
    """Renvoie le script de la marge."""
    script = Path(__file__).with_name("margin.js").read_bytes()
    return _never_kept(HttpResponse(script, content_type=TYPES[".js"]))


def _read(path: str) -> tuple[bytes, str]:
    try:
        file = Path(safe_join(settings.PAGES, path))
        return file.read_bytes(), TYPES.get(file.suffix, "text/plain; charset=utf-8")
    except (OSError, ValueError, SuspiciousFileOperation):
        raise Http404 from None


def _never_kept(response: HttpResponse) -> HttpResponse:
    """Une page refaite se voit aussitôt."""
    response["Cache-Control"] = "no-cache"
    return response
