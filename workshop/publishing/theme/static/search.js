// Ce que Sphinx dit en cherchant. Son propre français se charge en évaluant du texte, ce que la
// politique de `lire` refuse.
Object.assign(Documentation.TRANSLATIONS, {
  Searching: "Recherche",
  "Search Results": "Ce qui a été trouvé",
  "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
    "Aucune page n'a tous ces mots. Essayez-en moins, ou un autre.",
  "Search finished, found one page matching the search query.": [
    "Une page.",
    "${resultCount} pages.",
  ],
});

// Il ramène un mot à sa racine ; ici, sans les accents ni le pluriel, comme site.py dans l'index.
const Accented = Stemmer;
window.Stemmer = class {
  stemWord(word) {
    return new Accented().stemWord(word.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/s$/, ""));
  }
};

// Il passe les nombres, qui ont bien l'air d'un nombre ; ici, « 403 » se cherche comme un mot.
class Word extends String {
  match() { return null; }
}
window.splitQuery = (query) => (query.match(/[\p{L}\p{N}_]+/gu) ?? []).map((word) => new Word(word));
