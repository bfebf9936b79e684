"""Every setting of the portal, read from the environment once. The table in README.md explains them.

A bad value does not stop the import: it becomes a line of SETTING_PROBLEMS, and the last line of this file
stops the process with all of these lines.
"""

import logging
import os
import sys
from functools import partial
from pathlib import Path

from portal.configuration.addresses import parse_base_address, parse_network, parse_upstream_address
from portal.configuration.broker_url import broker_url
from portal.configuration.database_url import database_config
from portal.configuration.email_url import email_config, parse_sender
from portal.configuration.kept_limits import kept_limits
from portal.configuration.keys import parse_public_key, parse_secret_key, parse_trail_key, parse_vault_keys
from portal.configuration.passwords import parse_breached_file, password_validators
from portal.configuration.rate_limits import RATE_LIMITS
from portal.configuration.sessions import hsts_config, session_limits
from portal.configuration.web_limits import *  # noqa: F403 - sizes and deadlines of requests and answers
from portal.configuration.witnesses import witness_setting
from portal.environment import Environment, stop_on_problems
from portal.logging import LEVELS, logging_config
from portal.web.headers import CSP_DIRECTIVES, FORBIDDEN_FEATURES

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)

# --- where things are -------------------------------------------------------------------------------------
# State of one machine: database, secrets, logs; and the files of health/pulse.py.
PORTAL_HOME = env.path_setting("PORTAL_HOME", BASE_DIR / "var", base=BASE_DIR)
PULSE_FOLDER = env.path_setting("PORTAL_PULSE_FOLDER", PORTAL_HOME / "pulse", base=BASE_DIR)
base = env.parsed_setting("PORTAL_BASE_URL", "http://localhost:8000", parse_base_address)
PORTAL_BASE_URL = base.url  # the address that people type
HTTPS, ALLOWED_HOSTS = base.is_https, base.hosts
CSRF_TRUSTED_ORIGINS = base.origins
# Addresses or networks whose X-Forwarded-For and -Proto count.
PORTAL_TRUSTED_PROXIES = env.list_setting("PORTAL_TRUSTED_PROXIES", parse_network)
# How many of their addresses are skipped in X-Forwarded-For: by default as many as all have.
listed_hops = str(min(10, max(1, len(PORTAL_TRUSTED_PROXIES) - 1)))
PORTAL_PROXY_HOPS = int(env.choice_setting("PORTAL_PROXY_HOPS", listed_hops, map(str, range(11))))

# --- secrets ----------------------------------------------------------------------------------------------
SECRETS_FOLDER = PORTAL_HOME / "secrets"
env.leave_out_secrets("PORTAL_LEFT_OUT_SECRETS")  # Docker Compose gives each service its own secrets only
SECRET_KEY = env.secret_setting("PORTAL_SECRET_KEY", SECRETS_FOLDER, parse_secret_key, "")  # Django's
# Newest first: the first one seals, all of them open.
PORTAL_VAULT_KEYS = env.secret_setting("PORTAL_VAULT_KEYS", SECRETS_FOLDER, parse_vault_keys, list[str]())
# Ed25519, signs the heads of the trail; then the public keys of earlier ones.
PORTAL_TRAIL_KEY = env.secret_setting("PORTAL_TRAIL_KEY", SECRETS_FOLDER, parse_trail_key, "")
PORTAL_TRAIL_WITNESS = witness_setting(env, PORTAL_HOME)
PORTAL_TRAIL_FORMER_PUBLIC_KEYS = env.list_setting("PORTAL_TRAIL_FORMER_PUBLIC_KEYS", parse_public_key)

DEBUG = env.switch_setting("PORTAL_DEBUG", False)  # pages with tracebacks
env.require(
    base.is_local or not DEBUG,
    "PORTAL_DEBUG shows internals to everybody: it is only allowed when PORTAL_BASE_URL is on localhost.",
)
DEFAULT_EXCEPTION_REPORTER_FILTER = "portal.web.reports.SecretsFilter"

# --- Roboflow ---------------------------------------------------------------------------------------------
ROBOFLOW_REGIONS = ROBOFLOW_PUBLIC_REGIONS = {
    "us": {"deployments": "https://roboflow.cloud", "api": "https://api.roboflow.com"},
    "eu": {"deployments": "https://eu.roboflow.cloud", "api": "https://api.roboflow.eu"},
}
ROBOFLOW_REGION = env.choice_setting("ROBOFLOW_REGION", "us", ROBOFLOW_REGIONS)
given = {
    "deployments": env.parsed_setting("ROBOFLOW_DEPLOYMENTS_URL", "", parse_upstream_address),
    "api": env.parsed_setting("ROBOFLOW_API_URL", "", parse_upstream_address),
}
if any(given.values()):  # other addresses: their region is the only one
    known = ROBOFLOW_REGIONS[ROBOFLOW_REGION]
    ROBOFLOW_REGIONS = {ROBOFLOW_REGION: {api: given[api] or known[api] for api in known}}
ROBOFLOW_CONNECT_TIMEOUT_SECONDS, ROBOFLOW_READ_TIMEOUT_SECONDS = (
    env.number_setting("ROBOFLOW_CONNECT_TIMEOUT_SECONDS", 5, at_least=0.1, at_most=30),
    env.number_setting("ROBOFLOW_READ_TIMEOUT_SECONDS", 30, at_least=0.1, at_most=60),
)
ROBOFLOW_CREDITS_PER_HOUR = {"gpu": 1.0, "cpu": 0.25}  # its price page: by the minute, nothing while paused

# Between two syncs: when nothing moves, and while something moves or is watched. Above an hour, Workspace.due
# would take a due time for one that was written before the clock was set back.
SYNC_IDLE_SECONDS = env.number_setting("SYNC_IDLE_SECONDS", 60, at_least=0.1, at_most=3600)
active = {"default": min(5.0, SYNC_IDLE_SECONDS), "at_least": 0.1, "at_most": SYNC_IDLE_SECONDS}
SYNC_ACTIVE_SECONDS = env.number_setting("SYNC_ACTIVE_SECONDS", **active, limit="SYNC_IDLE_SECONDS")
LOG_CALLS_PER_MINUTE, LOG_RETENTION_DAYS, LOG_RETENTION_GB, HISTORY_RETENTION_DAYS = kept_limits(env)
# How long to look for an unknown or accepted change.
OPERATION_CONFIRM_SECONDS = env.number_setting("OPERATION_CONFIRM_SECONDS", 300, at_least=1, at_most=86_400)
# How long a worker may hold an operation. Pre-check and call share three quarters of it, so that a late call
# does not outlive the lease: at least 1.5 s, at most the 75 s that docker-compose.yml gives a worker to end.
OPERATION_LEASE_SECONDS = env.number_setting(
    "OPERATION_LEASE_SECONDS", max(2.0, min(60.0, OPERATION_CONFIRM_SECONDS / 2)), at_least=2, at_most=100
)
OPERATION_CALL_SECONDS = OPERATION_LEASE_SECONDS * 0.75
env.require(
    OPERATION_LEASE_SECONDS < OPERATION_CONFIRM_SECONDS,
    f"OPERATION_CONFIRM_SECONDS is {OPERATION_CONFIRM_SECONDS:g}: it must be above OPERATION_LEASE_SECONDS"
    f" ({OPERATION_LEASE_SECONDS:g}), or a lost operation would never be looked for.",
)
SWEEP_SECONDS = env.number_setting("SWEEP_SECONDS", 5, at_least=0.1, at_most=60)  # between two sweeps
KEY_CHECK_SECONDS = 5.0  # a person waits for this answer

# --- what the site is made of -----------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
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
    "portal.configuration",
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
    "portal.web.middleware.StackMiddleware",
    "portal.web.middleware.TrustedProxyMiddleware",
    "portal.web.middleware.HeadMiddleware",
    "portal.web.headers.SecurityHeadersMiddleware",  # these three before any that may answer by itself
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "portal.health.middleware.HealthMiddleware",  # before any that reads the Host header
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # adds bytes at random, against BREACH
    "portal.web.patience.PatienceMiddleware",  # before any that uses the database
    "django_htmx.middleware.HtmxMiddleware",
    "deployments.workspaces.quiet_polls.QuietPollMiddleware",  # before all that it spares
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.web.middleware.InputLimitsMiddleware",
    "portal.web.middleware.HtmxRedirectMiddleware",
    "portal.accounts.devices.DeviceMiddleware",
    "portal.accounts.ceremonies.CeremonyMiddleware",
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
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "portal.web.templatetags.web",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
USE_TZ, TIME_ZONE = True, "UTC"
LANGUAGE_CODE, LANGUAGES, LOCALE_PATHS = "en", [("en", "English")], [BASE_DIR / "portal" / "locale"]
USE_I18N = len(LANGUAGES) > 1  # to look for translations that are not there takes a tenth of a page
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000  # a bulk choice sends some fields for each of its rows

# --- database and broker ----------------------------------------------------------------------------------
postgres_password, redis_password = map(env.password_setting, ("POSTGRES_PASSWORD", "REDIS_PASSWORD"))
parse_database = partial(database_config, password=postgres_password, home=PORTAL_HOME, base=BASE_DIR)
DATABASES = {"default": env.parsed_setting("DATABASE_URL", "", parse_database)}
CACHES = {"default": {"BACKEND": "portal.web.counters.Counters", "LOCATION": "portal_cache"}}
parse_broker = partial(broker_url, password=redis_password, default_socket=PORTAL_HOME / "broker.sock")
BROKER_URL = env.parsed_setting("REDIS_URL", "", parse_broker)

# --- people -----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
SIGN_IN_BACKEND = "portal.accounts.backend.PersonBackend"
AUTHENTICATION_BACKENDS = [SIGN_IN_BACKEND]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = password_validators(
    env.parsed_setting("PORTAL_BREACHED_PASSWORDS", "", parse_breached_file)
)
LOGIN_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "portal.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts are made by invitation: the address is known already
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False  # this session stays; all others end (accounts.adapters)
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS, ACCOUNT_PREVENT_ENUMERATION, ACCOUNT_SESSION_REMEMBER = False, True, True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Portside] "  # allauth would write the request's Host header
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or second factor is told by mail
USERSESSIONS_ADAPTER = "portal.accounts.adapters.SessionsAdapter"
MFA_ADAPTER = "portal.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]  # recovery codes are ours (accounts.recovery_codes)
MFA_PASSKEY_LOGIN_ENABLED = MFA_ALLOW_UNVERIFIED_EMAIL = True  # User.email_confirmed_at is what counts
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers allow it on localhost only
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # a passkey asks for finger, face or PIN, as a second step too
MFA_TOTP_TOLERANCE = 1  # phones whose clock is up to half a minute off
ACCOUNT_FORMS = {
    name: f"portal.accounts.account_forms.{name.title().replace('_', '')}Form"
    for name in ("login", "reset_password", "reset_password_from_key", "change_password")
}
MFA_FORMS = {
    name: f"portal.accounts.factor_forms.{name.split('_')[0].title()}Form"
    for name in ("authenticate", "reauthenticate", "activate_totp")
}
ACCOUNT_RATE_LIMITS = RATE_LIMITS
SESSION_ENGINE = "portal.web.sessions"
SESSION_COOKIE_AGE, SESSION_IDLE_SECONDS = session_limits(env)
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-portal-session" if HTTPS else "portal-session"
CSRF_COOKIE_NAME = "__Host-portal-csrf" if HTTPS else "portal-csrf"
CSRF_FAILURE_VIEW = "portal.web.errors.csrf_failure"

# --- headers (portal/web/headers.py explains them) --------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked by machines beside the portal, without TLS
vars().update(hsts_config(env, is_https=HTTPS))
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]  # they ask for subdomains and preload
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # TrustedProxyMiddleware removes a stranger's
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {"DIRECTIVES": CSP_DIRECTIVES}
PERMISSIONS_POLICY = FORBIDDEN_FEATURES

# --- static files -----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.path_setting("PORTAL_STATIC_ROOT", PORTAL_HOME / "static", base=BASE_DIR)
STATICFILES_DIRS = [BASE_DIR / "static"]
FILE_UPLOAD_PERMISSIONS = None  # the umask decides: a portal on one machine keeps its files to itself
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
# No filter for js: minifiers break nested CSS.
COMPRESS_FILTERS = {"css": ["compressor.filters.css_default.CssAbsoluteFilter"], "js": []}
COMPRESS_OFFLINE_CONTEXT: dict[str, object] = {}

# --- mail and logs ----------------------------------------------------------------------------------------
vars().update(env.parsed_setting("EMAIL_URL", "consolemail://", email_config))
EMAIL_TIMEOUT = 5  # seconds; a silent mail server must not hold a page
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.parsed_setting(
    "EMAIL_FROM", f"Portside <portal@{base.mail_domain}>", parse_sender
)
LOG_FORMAT = env.choice_setting("PORTAL_LOG_FORMAT", "console", ("console", "json"))  # for people, machines
LOGGING = logging_config(format=LOG_FORMAT, level=env.choice_setting("PORTAL_LOG_LEVEL", "INFO", LEVELS))
LOGGING_CONFIG = "logging.config.dictConfig"
logging.captureWarnings(True)  # warnings become lines of the log
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- what is wrong with the settings ----------------------------------------------------------------------
SETTING_PROBLEMS = env.problems
SETTING_WARNINGS = env.misspelling_warnings(used_elsewhere={"PORTAL_BIND", "PORTAL_PORT", "PORTAL_NETWORK"})
if ROBOFLOW_CONNECT_TIMEOUT_SECONDS + ROBOFLOW_READ_TIMEOUT_SECONDS > OPERATION_CALL_SECONDS:
    SETTING_WARNINGS.append(
        f"ROBOFLOW_READ_TIMEOUT_SECONDS is {ROBOFLOW_READ_TIMEOUT_SECONDS:g}, but a change is cut off after"
        f" {OPERATION_CALL_SECONDS:g} s, three quarters of OPERATION_LEASE_SECONDS."
    )
stop_on_problems(SETTING_PROBLEMS, arguments=sys.argv)
