"""People work, make mistakes and are refused, while Roboflow repeats their keys in its answers."""

from uuid import uuid4

from tests.faults.person import Person
from tests.faults.running_portal import WORKSPACE_PATH, RunningPortal
from tests.portal_process import until

PLANTED = {"ana": "zzPlantedKeyOfAna4711", "ben": "zzPlantedKeyOfBen0815"}
TYPED = "zzTypedByMistake12345"  # a key of Ana's for another workspace, typed where it does not belong
LISTS = [WORKSPACE_PATH, *(f"{WORKSPACE_PATH}{name}/" for name in ("operations", "activity")), "/activity/"]
PAGES = [*LISTS, f"{WORKSPACE_PATH}team/", "/keys/", "/system/"]
KEY_OF = """SELECT k.id FROM keys_apikey k JOIN accounts_user u ON u.id = k.user_id
    WHERE u.email = '{name}@example.com'"""


def live_a_busy_hour(running: RunningPortal) -> dict[str, bytes]:
    """Do all that and return every answer that somebody saw, by a name or its path."""
    texts = replace_keys(running) | add_a_second_key(running)
    repeat_keys_in_answers(running)
    ask_for_changes(running)
    texts |= add_a_key_badly(running)
    forget_a_password(running)
    running.sandbox("DELETE", "faults")
    running.ana.post("/keys/1/check/", {})
    until(lambda: not running.has_open_operations(), seconds=60)
    return texts | read_pages(running)


def replace_keys(running: RunningPortal) -> dict[str, bytes]:
    """Let Ana and Ben replace their keys by the planted ones; each mistypes it first."""
    texts = {}
    for name, key in PLANTED.items():
        running.sandbox("POST", "keys", {"key": key, "workspace": "acme-vision"})
        person, key_id = getattr(running, name), running.rows(KEY_OF.format(name=name))[0]["id"]
        for typed in (f"{key}x", key):
            answer = person.post(f"/keys/{key_id}/replace/", {"api_key": typed})
            texts[f"replace {name} {len(typed)}"] = answer.content
    return texts


def add_a_second_key(running: RunningPortal) -> dict[str, bytes]:
    """Let Ana add a key for a second workspace."""
    running.sandbox("POST", "keys", {"key": TYPED, "workspace": "birch-robotics"})
    return {"added": running.ana.post("/keys/", {"api_key": TYPED, "label": "another"}).content}


def repeat_keys_in_answers(running: RunningPortal) -> None:
    """Let Roboflow answer every endpoint with errors that hold Ana's key."""
    text = f"no: https://x/?api_key={PLANTED['ana']} and {PLANTED['ana']}"
    kinds = (
        {"kind": "status", "status": 400, "text": text},
        {"kind": "html", "text": f"<p>{text}"},
        {"kind": "status", "status": 401, "text": text},
    )
    for endpoint in ("/pause", "/get", "/list", "/add", "/"):
        for kind in kinds:
            running.sandbox("POST", "faults", {"endpoint": endpoint, "count": 1, **kind})


def ask_for_changes(running: RunningPortal) -> None:
    """Let Ana ask for changes, with a key in the reason."""
    for one in running.changeable()[:3]:
        fields = {"form_token": str(uuid4()), "reason": f"key {TYPED}"}
        running.ana.submit(f"{WORKSPACE_PATH}deployments/{one['deployment_id']}/pause/", fields)
    running.create(f"leaks-{running.database.name[:6]}")


def add_a_key_badly(running: RunningPortal) -> dict[str, bytes]:
    """Let Ana add a key again, with a part of it as the label, and from a form without a CSRF token."""
    running.ana.post("/keys/", {"api_key": f"{PLANTED['ana']} ", "label": PLANTED["ana"][:3]})
    url, fields = f"{running.process.url}/keys/", {"api_key": PLANTED["ana"]}
    return {"stale": running.ana.session.post(url, fields, timeout=10).content}


def forget_a_password(running: RunningPortal) -> None:
    """Let somebody who is signed out have a mail sent to Ben."""
    vera = Person(running.process.url, "vera@example.com", page=WORKSPACE_PATH)
    vera.post("/accounts/logout/", {})
    vera.csrf_token = vera.csrf_token_of("/accounts/password/reset/")
    vera.post("/accounts/password/reset/", {"email": "ben@example.com"})


def read_pages(running: RunningPortal) -> dict[str, bytes]:
    """Let Ana open every page and export; return headers and content by path."""
    deployment_id = running.rows("SELECT deployment_id FROM fleet_deployment")[0]["deployment_id"]
    detail = f"{WORKSPACE_PATH}deployments/{deployment_id}/"
    exports = [f"{path}?format={name}" for path in (*LISTS, f"{detail}logs/") for name in ("csv", "jsonl")]
    operations = [f"{WORKSPACE_PATH}operations/{one['id']}/" for one in running.operations()]
    texts = {}
    for path in [*PAGES, detail, f"{detail}logs/", *exports, *operations]:
        answer = running.ana.session.get(f"{running.process.url}{path}", timeout=20)
        texts[path] = answer.content + str(answer.headers).encode()
    return texts
