import time

from django.core.management.base import BaseCommand
from django.db.models import F
from django.db.models.functions import Greatest

from chat.history import ERA
from chat.models import Room

YEAR_2026 = 1_767_225_600


class Command(BaseCommand):
    help = "Après une restauration : un numéro déjà donné ne l'est plus jamais."

    def handle(self, **options):
        seconds = int(time.time()) - YEAR_2026
        rooms = Room.objects.update(last=Greatest(F("last") + ERA, seconds))
        self.stdout.write(f"Les numéros de {rooms} salons reprennent bien plus loin.")
