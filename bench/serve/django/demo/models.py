"""The tables that racy made, in Django's words: demo_account and demo_transaction."""
from django.db import models


class Account(models.Model):
    balance = models.IntegerField(default=0)


class Transaction(models.Model):
    account = models.ForeignKey(Account, models.SET_NULL, null=True)
    amount = models.IntegerField(default=0)
    timestamp = models.DateTimeField(auto_now_add=True)
