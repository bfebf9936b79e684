"""Every setting of the portal, read from the environment once. The table in README.md explains them."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from portal.environment import read_secret, read_setting
from portal.logging import logging_config
from portal.web.headers import CSP_DIRECTIVES, FORBIDDEN_FEATURES

BASE_DIR = Path(__file__).resolve().parent.parent


def number(name: str, default: float) -> float:
    """A setting that is a positive number."""
    try:
        found = float(read_setting(name, str(default)))
    except ValueError:
        found = 0
    if found <= 0:
        raise ImproperlyConfigured(f"{name} is not a positive number: {read_setting(name)!r}.")
    return found


def switch(name: str, default: bool) -> bool:
    """A setting that is yes or no."""
    return read_setting(name, "yes" if default else "no").lower() in {"1", "yes", "true", "on"}


def words(name: str) -> list[str]:
    """A setting that is a comma-separated list."""
    return [word.strip() for word in read_setting(name).split(",") if word.strip()]


# --- where things are -----------------------------------------------------------------------------------------------
PORTAL_HOME = (
    BASE_DIR / read_setting("PORTAL_HOME", "var")
).resolve()  # state of one machine: database, secrets, broker
PULSE_FOLDER = Path(read_setting("PORTAL_PULSE_FOLDER") or PORTAL_HOME / "pulse")  # files of health/pulse.py
PORTAL_BASE_URL = read_setting("PORTAL_BASE_URL", "http://localhost:8000").rstrip(
    "/"
)  # the address that people type
PORTAL_TRUSTED_PROXIES = words(
    "PORTAL_TRUSTED_PROXIES"
)  # addresses or networks whose X-Forwarded-For and -Proto count

base = urlsplit(PORTAL_BASE_URL)
if base.scheme not in {"http", "https"} or not base.hostname:
    raise ImproperlyConfigured(f"PORTAL_BASE_URL is not an address: {PORTAL_BASE_URL!r}.")
HTTPS = base.scheme == "https"
LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
IS_LOCAL = base.hostname in {"localhost", "127.0.0.1", "::1"}
ALLOWED_HOSTS = sorted({base.hostname} | (LOOPBACK if IS_LOCAL else set()) | {"127.0.0.1"})
port = f":{base.port}" if base.port else ""
CSRF_TRUSTED_ORIGINS = sorted(
    {PORTAL_BASE_URL} | ({f"{base.scheme}://{host}{port}" for host in LOOPBACK} if IS_LOCAL else set())
)

# --- secrets --------------------------------------------------------------------------------------------------------
SECRETS_FOLDER = PORTAL_HOME / "secrets"
SECRET_KEY = read_secret("PORTAL_SECRET_KEY", SECRETS_FOLDER)  # Django's
PORTAL_VAULT_KEYS = [
    key.strip() for key in read_secret("PORTAL_VAULT_KEYS", SECRETS_FOLDER).split(",") if key.strip()
]  # newest first
PORTAL_TRAIL_KEY = read_secret("PORTAL_TRAIL_KEY", SECRETS_FOLDER)  # Ed25519, signs the heads of the trail
PORTAL_TRAIL_FORMER_PUBLIC_KEYS = words(
    "PORTAL_TRAIL_FORMER_PUBLIC_KEYS"
)  # base64; of trail keys that are in use no more

DEBUG = switch("PORTAL_DEBUG", False)  # pages with tracebacks; refused anywhere but on this machine
if DEBUG and not IS_LOCAL:
    raise ImproperlyConfigured("PORTAL_DEBUG shows internals to everybody: it is only allowed on localhost.")

DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.web.reports.SecretsFilter"

# --- Roboflow -------------------------------------------------------------------------------------------------------
ROBOFLOW_REGION = read_setting("ROBOFLOW_REGION", "us")
ROBOFLOW_REGIONS = {
    "us": {"deployments": "https://roboflow.cloud", "api": "https://api.roboflow.com"},
    "eu": {"deployments": "https://eu.roboflow.cloud", "api": "https://api.roboflow.eu"},
}
if ROBOFLOW_REGION not in ROBOFLOW_REGIONS:
    raise ImproperlyConfigured(f"ROBOFLOW_REGION is us or eu, not {ROBOFLOW_REGION!r}.")
if read_setting("ROBOFLOW_DEPLOYMENTS_URL") or read_setting(
    "ROBOFLOW_API_URL"
):  # addresses of one's own: their region is the only one
    known = ROBOFLOW_REGIONS[ROBOFLOW_REGION]
    ROBOFLOW_REGIONS = {
        ROBOFLOW_REGION: {
            "deployments": read_setting("ROBOFLOW_DEPLOYMENTS_URL", known["deployments"]).rstrip("/"),
            "api": read_setting("ROBOFLOW_API_URL", known["api"]).rstrip("/"),
        }
    }
ROBOFLOW_CONNECT_TIMEOUT_SECONDS = number("ROBOFLOW_CONNECT_TIMEOUT_SECONDS", 5)
ROBOFLOW_READ_TIMEOUT_SECONDS = number("ROBOFLOW_READ_TIMEOUT_SECONDS", 30)
ROBOFLOW_CREDITS_PER_HOUR = {
    "gpu": 1.0,
    "cpu": 0.25,
}  # Roboflow's price page: by the minute, nothing while paused

SYNC_ACTIVE_SECONDS = number("SYNC_ACTIVE_SECONDS", 5)  # between syncs while something moves or is watched
SYNC_IDLE_SECONDS = number("SYNC_IDLE_SECONDS", 60)  # between syncs when quiet
OPERATION_LEASE_SECONDS = number("OPERATION_LEASE_SECONDS", 60)  # how long a worker may hold an operation
OPERATION_CALL_SECONDS = (
    OPERATION_LEASE_SECONDS * 0.75
)  # pre-check and call share it: a late call must not outlive the lease
OPERATION_CONFIRM_SECONDS = number(
    "OPERATION_CONFIRM_SECONDS", 300
)  # how long to look for an unknown or accepted change
SWEEP_SECONDS = number("SWEEP_SECONDS", 5)  # how often the sweep looks
KEY_CHECK_SECONDS = 5.0  # a person waits for this very answer

# --- what the site is made of ---------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",  # the widgets of FORM_RENDERER
    "django_htmx",
    "django_structlog",
    "compressor",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "portal.web",
    "portal.queue",
    "portal.audit",
    "portal.accounts",
    "portal.health",
    "portal.supervisor",
    "deployments.workspaces",
    "deployments.keys",
    "deployments.ledger",
    "deployments.fleet",
    "deployments.logs",
    "deployments.operations",
    "deployments.activity",
    "deployments.team",
    "deployments.system",
    "deployments.demo",
]
MIDDLEWARE = [
    "portal.web.middleware.TrustedProxyMiddleware",
    "portal.web.headers.SecurityHeadersMiddleware",  # these three before any that may answer by itself
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.middleware.InputLimitsMiddleware",
    "portal.web.middleware.HtmxRedirectMiddleware",
    "portal.accounts.middleware.PersonMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django.templatetags.static", "portal.web.templatetags.web"],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # no form of ours comes near 1 MiB
APPEND_SLASH = True

# --- database and broker --------------------------------------------------------------------------------------------
env = environ.Env()
database: dict[str, Any] = env.db_url_config(
    read_setting("DATABASE_URL", f"sqlite:///{PORTAL_HOME / 'portal.sqlite3'}")
)
if "sqlite" in database["ENGINE"]:
    database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # BEGIN DEFERRED fails at once when a reader turns writer
        "timeout": 20,
        # NORMAL may lose the last commits at a power failure: an operation already shown as accepted would vanish.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    if password := read_setting("POSTGRES_PASSWORD"):
        database["PASSWORD"] = password
    # Whoever stops in the middle of a transaction (a suspended worker, a lost host) holds its locks for so long, and not for ever.
    database["OPTIONS"] = {"connect_timeout": 5, "options": "-c idle_in_transaction_session_timeout=10s"}
    database["CONN_HEALTH_CHECKS"] = True
database["CONN_MAX_AGE"] = 600  # a new connection costs more than most pages
DATABASES = {"default": database}
CACHES = {"default": {"BACKEND": "portal.web.counters.Counters", "LOCATION": "portal_cache"}}
BROKER_URL = read_setting("REDIS_URL", f"redis+socket://{PORTAL_HOME / 'broker.sock'}")
if (redis_password := read_setting("REDIS_PASSWORD")) and "@" not in BROKER_URL:
    BROKER_URL = BROKER_URL.replace("://", f"://:{redis_password}@", 1)

# --- people ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
SIGN_IN_BACKEND = "portal.accounts.backend.PersonBackend"
AUTHENTICATION_BACKENDS = [SIGN_IN_BACKEND]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by invitation: the address is known already
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # this session stays; all others end (accounts.adapters)
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or second factor is told by mail
USERSESSIONS_ADAPTER = "portal.accounts.adapters.SessionsAdapter"
MFA_ADAPTER = "portal.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow it on localhost only
MFA_TOTP_TOLERANCE = 1  # phones whose clock is up to half a minute off
ACCOUNT_RATE_LIMITS = {  # allauth's notation; from key_check on they are ours
    "login": "60/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "10/m/ip,3/m/key",
    "change_password": "5/m/user",
    "key_check": "10/m/user",
    "operation": "120/m/user",
    "batch": "6/m/user",
    "verify": "3/m/user",
    "sync": "12/m/key",
    "export": "120/m/user",
    "refusal": "120/m/user",
    "invite": "20/m/user",
}
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())  # absolute limit
SESSION_IDLE_SECONDS = timedelta(hours=24).total_seconds()  # without a page or poll
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-portal-session" if HTTPS else "portal-session"
CSRF_COOKIE_NAME = "__Host-portal-csrf" if HTTPS else "portal-csrf"
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failure"

# --- headers (portal/web/headers.py explains them) ------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked by machines beside the portal, without TLS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    "HTTP_X_FORWARDED_PROTO",
    "https",
)  # TrustedProxyMiddleware removes it from strangers
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {"DIRECTIVES": CSP_DIRECTIVES}
PERMISSIONS_POLICY = FORBIDDEN_FEATURES

# --- static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(read_setting("PORTAL_STATIC_ROOT") or PORTAL_HOME / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "compressor.finders.CompressorFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
COMPRESS_OFFLINE = True  # joined once by `manage.py prepare_static`, not while somebody waits
COMPRESS_ROOT = STATIC_ROOT
COMPRESS_FILTERS = {
    "css": ["compressor.filters.css_default.CssAbsoluteFilter"],
    "js": [],
}  # its minifiers break nested CSS
COMPRESS_OFFLINE_CONTEXT: dict[str, object] = {}

# --- mail and logs --------------------------------------------------------------------------------------------------
vars().update(env.email_url_config(read_setting("EMAIL_URL", "consolemail://")))
EMAIL_TIMEOUT = 5  # seconds; a silent mail server must not hold a page
DEFAULT_FROM_EMAIL = SERVER_EMAIL = read_setting("EMAIL_FROM", f"Deployment Portal <portal@{base.hostname}>")
LOG_FORMAT = read_setting("PORTAL_LOG_FORMAT", "console")  # console for people, json for machines
LOGGING = logging_config(format=LOG_FORMAT, level=read_setting("PORTAL_LOG_LEVEL", "INFO"))
LOGGING_CONFIG = "logging.config.dictConfig"
logging.captureWarnings(True)  # they are lines of the log, too
DJANGO_STRUCTLOG_CELERY_ENABLED = True
