"""Le chat d'un premier tutoriel, pour `banc` : un groupe, et rien d'autre."""
