"""Un vrai navigateur : le trouver, le lancer, le conduire."""
