from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from chat.models import Message


class Command(BaseCommand):
    help = "Oublie une personne, ou ce qui est trop vieux."

    def add_arguments(self, parser):
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--person")
        what.add_argument("--days", type=int)

    def handle(self, person, days, **options):
        if days is not None and days < 0:
            raise CommandError("Un nombre de jours n'est pas négatif.")
        erased = self.forget_old(days) if person is None else self.forget_person(person)
        self.stdout.write(f"{erased} messages effacés.")

    def forget_old(self, days):
        limit = timezone.now() - timedelta(days=days)
        return Message.objects.filter(sent__lt=limit).delete()[0]

    @transaction.atomic
    def forget_person(self, name):
        # Tenue, elle ne peut rien dire entre les deux.
        found = get_user_model().objects.select_for_update().filter(username=name).first()
        if not found:
            raise CommandError(f"Aucun compte ne s'appelle « {name} ».")
        erased, _ = Message.objects.filter(author=found).delete()
        found.delete()
        return erased
