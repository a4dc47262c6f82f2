"""A deposit as a Django view is written: read the account, record the transaction, write the balance back. What the
database refuses is answered 503, as racy answers it; left alone, Django would write a report of each."""
from django.db import OperationalError, transaction
from django.http import HttpResponse

from demo.models import Account, Transaction


def deposit(request):
    account = Account.objects.get(pk=int(request.POST["account"]))
    amount = int(request.POST["amount"])
    Transaction.objects.create(account=account, amount=amount)
    account.balance += amount
    account.save()


def answer(request, do):
    if request.method != "POST" or not {"account", "amount"} <= request.POST.keys():
        return HttpResponse(status=400)
    try:
        do(request)
    except Account.DoesNotExist:
        return HttpResponse(status=404)
    except OperationalError:
        return HttpResponse(status=503)
    return HttpResponse("200", content_type="text/plain; charset=utf-8")


def non_atomic_no_delay(request):
    return answer(request, deposit)


def atomic_no_delay(request):
    return answer(request, transaction.atomic(deposit))
