"""The one door: a stored key is in clear nowhere, whoever wrote it and whatever it is glued to."""

import random
import string
from datetime import timedelta

import pytest
from django.utils.timezone import now

from deployments.keys.check import store_key
from deployments.keys.masking import stored_keys
from deployments.keys.models import ApiKey
from deployments.logs.models import Harvest, Line
from deployments.logs.store import store_lines
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import LogLine, LogPage
from portal.audit.actions import Action
from portal.audit.append import Subject
from portal.audit.models import Event
from portal.audit.origin import Origin
from portal.web.masking import Masker, mask_stored_keys
from tests.audit.trail import append
from tests.people import make_person
from tests.roboflow.spellings import DECORATIONS, ENCODINGS, base64_of, pieces_left

KEY = "sandbox-key-ana"
PRINTABLE = "".join(map(chr, range(33, 127)))


def store(value, person):
    """Store a key without asking Roboflow."""
    secret = Secret(value)
    return store_key(secret, user=person.user, workspace=None, label="", region="us", now=now())


@pytest.fixture
def somebody(db):
    return make_person("Somebody")


@pytest.fixture
def deployment(ana, fleet):
    return fleet["pallet-counter"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (KEY, "***"),
        (f"GET /{KEY}/x", "GET /***/x"),
        (f'key="{KEY}", again {KEY}.', 'key="***", again ***.'),
        (f"Authorization: Basic {base64_of('user:' + KEY)}", "Authorization: Basic ***"),
        (f"x{KEY}y", "x***y"),
        ("api_key=whatever", "api_key=***"),
        ("sandbox-key-ben is not stored", "sandbox-key-ben is not stored"),
        ("", ""),
    ],
)
def test_a_stored_key_is_masked_and_other_words_stay(ana, text, masked):
    assert Masker().mask(text) == masked


def test_without_stored_keys_only_what_looks_like_a_key_is_masked(db):
    assert Masker().mask(f"{KEY} api_key=abc") == f"{KEY} api_key=***"


def test_the_keys_of_all_people_are_known_by_their_ends(ana, ben):
    assert {(key.tail, key.length, key.punctuation) for key in stored_keys()} == {
        ("-ana", 15, "-"),
        ("-ben", 15, "-"),
    }
    assert mask_stored_keys("sandbox-key-ana, sandbox-key-ben") == "***, ***"


def test_keys_that_two_people_share_or_that_are_alike_are_all_known(ana, somebody):
    store(KEY, somebody)
    store("another-key-ana", somebody)

    assert mask_stored_keys(f"{KEY} another-key-ana nothing-key-ana") == "*** *** nothing-key-ana"


def test_a_removed_key_is_forgotten(ana):
    ApiKey.objects.all().delete()

    assert mask_stored_keys(KEY) == KEY


def test_many_texts_cost_one_query(ana, django_assert_num_queries):
    with django_assert_num_queries(1):
        masked = Masker().mask_all([f"line {number} {KEY}" for number in range(500)])

    assert masked[499] == "line 499 ***"


@pytest.mark.parametrize(
    "value",
    ["12345678", "x" * 200, PRINTABLE, "%41%42%43", "<key>&amp;", "a\\nb\\u0041", "a'b\"c`d$e", "=======x"],
)
def test_every_key_that_the_form_accepts_is_masked(value, mallory, sandbox):
    sandbox.register_key(value, "acme-vision")

    answer = mallory.post("/keys/", {"api_key": value, "label": ""})

    assert answer.status_code == 303
    for spell in ENCODINGS.values():
        masked = Masker().mask(f"a {spell(value)} z")
        assert "***" in masked and pieces_left(spell(value), masked) == []


def test_the_trail_masks_whatever_is_written_into_it(ana):
    texts = [
        f"x{KEY}y",
        f"\x1b[31m{KEY[:5]}\x1b[0m{KEY[5:]}",
        base64_of(f"u:{KEY}"),
        f"{KEY}{KEY}",
        "%73" + KEY[1:],
    ]

    for text in texts:
        append(
            Action.PROFILE_CHANGED,
            by=Origin(actor_name=text, agent=text, request_id=text),
            about=Subject(type="person", id=text, name=text, deployment_id=text),
            reason=text,
            changes={text: (text, {"nested": [text], "api_key": "a stranger's"})},
        )

    kept = [
        str(value)
        for event in Event.objects.order_by("-sequence")[: len(texts)].values()
        for value in event.values()
    ]
    assert not [
        value for value in kept for text in texts if KEY in value or pieces_left(text, value, length=10)
    ]
    assert not [value for value in kept if "stranger" in value]


def test_a_refused_attempt_leaves_no_key_in_the_trail(ana, vera, fleet, trail):
    vera.ask(fleet["pallet-counter"], "pause", reason=f"as{KEY}said")
    ana.ask(fleet["pallet-counter"], "pause", reason=f"as{KEY}said")

    assert KEY not in str(list(Event.objects.values()))


@pytest.mark.parametrize("field", ["label", "reason", "name"])
def test_a_text_field_refuses_a_stored_key_and_does_not_send_it_back(field, ana, fleet):
    typed = f"mine-{KEY}!"

    answer = {
        "label": lambda: ana.post("/keys/", {"api_key": "sandbox-key-cam", "label": typed}),
        "reason": lambda: ana.ask(fleet["pallet-counter"], "pause", reason=typed),
        "name": lambda: ana.post("/profile/", {"name": typed}),
    }[field]()

    page = answer.content.decode()
    assert answer.status_code in (200, 422) and "This contains an API key" in page
    assert KEY not in page and "mine-***!" in page


def test_a_label_refuses_the_key_beside_it(mallory, sandbox):
    answer = mallory.post("/keys/", {"api_key": "sandbox-key-cam", "label": "for sandbox-key-cam"})

    page = answer.content.decode()
    assert answer.status_code == 422 and "This contains an API key" in page
    assert "sandbox-key-cam" not in page and not ApiKey.objects.exists()


def test_random_keys_glued_into_random_log_lines_are_never_stored(somebody, deployment):
    rng = random.Random(1412)
    alphabets = [string.ascii_letters + string.digits, "0123456789abcdef", string.ascii_letters + "-_"]
    keys = [
        "".join(rng.choices(alphabet, k=rng.randrange(8, 60))) for alphabet in alphabets for _ in range(4)
    ]
    for key in keys:
        store(key, somebody)
    spellings = ENCODINGS | DECORATIONS
    cases = [(name, rng.choice(keys)) for name in spellings for _ in range(10)]
    glue = ["".join(rng.choices(PRINTABLE + " é", k=rng.randrange(30))) for _ in cases]
    lines = [
        LogLine(
            insert_id=f"{number} {key}",
            timestamp=now() - timedelta(milliseconds=number),
            severity="INFO",
            payload=f"{around} {spellings[name](key)} {around}",
        )
        for number, ((name, key), around) in enumerate(zip(cases, glue, strict=True))
    ]

    store_lines(
        Harvest.objects.create(deployment=deployment, workspace=deployment.workspace), LogPage(lines, [])
    )

    stored = dict(Line.objects.values_list("timestamp", "payload"))
    assert len(stored) == len(lines)
    for line, (name, key), around in zip(lines, cases, glue, strict=True):
        payload = stored[line.timestamp]
        left = [piece for piece in pieces_left(spellings[name](key), payload) if piece not in around]
        assert "***" in payload and not left, (name, key, line.payload, payload)
    assert not [line for line in Line.objects.all() for key in keys if key in line.insert_id]
