"""Ce qu'une politique de sécurité (Content-Security-Policy) refuse à sa propre page."""

# Noté dans la page ; l'icône du site ne compte pas, tous les navigateurs ne la demandent pas.
REFUSALS = """
window.refusedToPage = [];
addEventListener("securitypolicyviolation", (one) => {
  if (one.disposition !== "enforce" || one.blockedURI.endsWith("/favicon.ico")) return;
  const place = one.blockedURI.split(`//${location.host}`).at(-1);
  window.refusedToPage.push([one.effectiveDirective, place, one.originalPolicy]);
});
"""
# Le plus grave d'abord : sans connexion ni script, il n'y a plus de chat.
WORDS = {
    "connect-src": "la connexion à {place}",
    "script-src": "le script {place}",
    "style-src": "le style {place}",
    "form-action": "un formulaire envoyé à {place}",
    "img-src": "l'image {place}",
}
INLINE = {
    "script-src": "un script écrit dans le HTML",
    "style-src": "un style écrit dans le HTML",
}


def rules(policy: str) -> dict[str, str]:
    """Renvoie les sources que permet une politique, directive par directive."""
    parts = (rule.strip().partition(" ") for rule in policy.split(";"))
    return {name: sources for name, _, sources in parts if name}


def refusal(refused: list[list[str]]) -> str:
    """Renvoie, en une phrase, le plus grave des refus d'un navigateur, et ce qui le demande."""
    directive, place, policy = min(refused, key=lambda one: _rank(_family(one[0])))
    name = _family(directive)
    words = INLINE.get(name) if place == "inline" else WORDS.get(name)
    what = (words or f"{name} {{place}}").format(place=place.partition("?")[0])
    said = rules(policy)
    rule = next((one for one in (directive, name, "default-src") if one in said), name)
    return f"le navigateur refuse {what} : sa politique dit « {rule} {said.get(rule, '')} »."


def _family(directive: str) -> str:
    """Renvoie « script-src » pour « script-src-elem »."""
    return directive.removesuffix("-elem").removesuffix("-attr")


def _rank(name: str) -> int:
    return [*WORDS].index(name) if name in WORDS else len(WORDS)
