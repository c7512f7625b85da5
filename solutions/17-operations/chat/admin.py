from django.contrib import admin

from .models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["__str__", "author", "sent"]
    list_filter = [("author", admin.RelatedOnlyFieldListFilter)]
