"""The endpoints, named as racy's are."""
from django.urls import path

from demo import views

urlpatterns = [
    path("demo/non_atomic_no_delay/", views.non_atomic_no_delay),
    path("demo/atomic_no_delay/", views.atomic_no_delay),
]
