from django.conf import settings
from django.db import models


class Room(models.Model):
    name = models.CharField(max_length=90, primary_key=True)
    last = models.PositiveIntegerField(default=0)


class Message(models.Model):
    room = models.CharField(max_length=90)
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=40, null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False)
    name = models.CharField(max_length=310)
    text = models.TextField(blank=True)
    sent = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="chat_one_number"),
            models.UniqueConstraint(fields=["room", "key"], name="chat_one_key"),
        ]

    def __str__(self):
        return f"{self.room} {self.number} <{self.name}> {self.text[:40]}"

    def as_dict(self):
        return {
            "type": "message",
            "number": self.number,
            "key": self.key,
            "name": self.name,
            "text": self.text,
            "sent": self.sent.isoformat(),
        }
