from django.core.management.base import BaseCommand
from django.db.models import F

from chat.history import ERA
from chat.models import Room


class Command(BaseCommand):
    help = "Après une restauration : un numéro déjà donné ne l'est plus jamais."

    def handle(self, **options):
        rooms = Room.objects.update(last=F("last") + ERA)
        self.stdout.write(f"Les numéros de {rooms} salons reprennent un million plus loin.")
