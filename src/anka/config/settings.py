"""Django's settings, derived from the environment and from nothing else."""

from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from anka.config import environment

ENVIRONMENT = environment.read()
SOURCE = Path(__file__).resolve().parent.parent

SECRET_KEY = ENVIRONMENT.secret_key
DEBUG = False
ALLOWED_HOSTS = ["*"] if ENVIRONMENT.sandbox else [ENVIRONMENT.base_url.split("//")[1].split("/")[0].split(":")[0]]
USE_X_FORWARDED_HOST = False
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENVIRONMENT.secure else None

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    *(
        f"anka.{room}.apps.{room.capitalize()}Config"
        for room in ("core", "accounts", "ledger", "messaging", "policies", "catalog", "vault", "payments", "funds", "orders", "cases")
    ),
    "anka.web.apps.WebConfig",
]
MIDDLEWARE = [
    "anka.config.observed.SeenByDjango",
    "anka.web.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "anka.web.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "anka.web.middleware.SignedIn",
    "anka.web.middleware.Refusals",
]
ROOT_URLCONF = "anka.config.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [SOURCE / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.csrf", "anka.web.context.everywhere"],
            "libraries": {"anka": "anka.web.templatetags.anka"},
        },
    }
]


def _database(url: str) -> dict[str, object]:
    """Translate a libpq address into Django's terms; whatever Django has no word for goes through to psycopg."""
    parts = conninfo_to_dict(url)
    named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    options = {key: str(text) for key, text in parts.items() if key not in named.values()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **{key: str(parts.get(name) or "") for key, name in named.items()},
        "OPTIONS": {"connect_timeout": 5, **options},
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": False,
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }


DATABASES = {"default": _database(ENVIRONMENT.database_url or "dbname=anka")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Person"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [SOURCE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

STATIC_URL = "/static/"
STATICFILES_DIRS = [SOURCE / "web" / "static"]
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STATIC_ROOT = ENVIRONMENT.home / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

PREFIX = "__Host-" if ENVIRONMENT.secure else ""
SESSION_COOKIE_NAME = f"{PREFIX}session"
SESSION_COOKIE_SECURE = ENVIRONMENT.secure
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 86400
CSRF_COOKIE_NAME = f"{PREFIX}csrf"
CSRF_COOKIE_SECURE = ENVIRONMENT.secure
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "anka.web.errors.csrf_failed"
CSRF_TRUSTED_ORIGINS = [ENVIRONMENT.base_url]
SECURE_CONTENT_TYPE_NOSNIFF = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 262144
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
LOGGING_CONFIG = None
WSGI_APPLICATION = None
FUNDS_MODE = ENVIRONMENT.funds_mode
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
