"""Ce qu'une politique de sécurité (Content-Security-Policy) refuse à sa propre page."""

# Noté dans la page ; l'icône du site ne compte pas, tous les navigateurs ne la demandent pas.
REFUSALS = """
window.refusedToPage = [];
addEventListener("securitypolicyviolation", (one) => {
  if (one.disposition !== "enforce" || one.blockedURI.endsWith("/favicon.ico")) return;
  window.refusedToPage.push([one.effectiveDirective, one.blockedURI, one.originalPolicy]);
});
"""
WORDS = {
    "connect-src": "la connexion à {place}",
    "img-src": "l'image {place}",
    "script-src": "le script {place}",
    "style-src": "le style {place}",
    "form-action": "un formulaire envoyé à {place}",
}
INLINE = {
    "script-src": "un script écrit dans le HTML",
    "style-src": "un style écrit dans le HTML",
}


def rules(policy: str) -> dict[str, str]:
    """Renvoie les sources que permet une politique, directive par directive."""
    parts = (rule.strip().partition(" ") for rule in policy.split(";"))
    return {name: sources for name, _, sources in parts if name}


def refusal(directive: str, blocked: str, policy: str) -> str:
    """Renvoie, en une phrase, ce qu'un navigateur a refusé, et la directive qui le demande."""
    name = directive.removesuffix("-elem").removesuffix("-attr")
    words = INLINE.get(name) if blocked == "inline" else WORDS.get(name)
    what = (words or f"{name} {{place}}").format(place=blocked.partition("?")[0])
    said = rules(policy)
    rule = next((one for one in (directive, name, "default-src") if one in said), name)
    return f"le navigateur refuse {what} : sa politique dit « {rule} {said.get(rule, '')} »."
