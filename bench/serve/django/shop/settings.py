"""As in production: no DEBUG, and nothing that a deposit does not need (no middleware, sessions or admin), which is
in Django's favour. The database is the benchmark's; whether connections persist is what is compared."""
import os

DEBUG = False
SECRET_KEY = os.environ["BENCH_SECRET"]
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["demo"]
MIDDLEWARE = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.mysql",  # at READ COMMITTED unless it is told otherwise
        "NAME": os.environ["BENCH_DATABASE"],
        "USER": "root",
        "HOST": os.environ["BENCH_SOCKET"],
        "CONN_MAX_AGE": None if os.environ["BENCH_PERSISTENT"] == "yes" else 0,
    }
}
