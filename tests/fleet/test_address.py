"""Whatever id Roboflow gives a deployment, its address is one segment that leads to it and nowhere else."""

import re
from html import unescape
from urllib.parse import unquote, urljoin

import pytest
from django.urls import Resolver404, resolve, reverse
from hypothesis import given
from hypothesis import strategies as st

from deployments.fleet.address import DeploymentIdConverter, is_host_name
from deployments.fleet.models import Deployment
from deployments.ledger.models import Operation
from tests.twisted import changed_one, with_entries

FLEET = "/w/acme-vision/"
NAME = "odd-one"
ODD_IDS = [
    "..",
    ".",
    "...",
    "../night-shift",
    "a/b",
    "a\\b",
    "a?b#c",
    "a%2fb",
    "%2e%2e",
    "a b",
    "new",
    "~new",
    "~",
    "a;b",
    "a:b@c",
    "a\u202eb",
    "ä-😀",
    '"><b>',
    "javascript:alert(1)",
    "x" * 255,
]
PLAIN_IDS = ["k6um39jn02HpP9CIkkbP", "night-shift_2", "a.b", "0"]


@pytest.fixture
def odd_one(ana, fleet, worker, twist, request):
    """Return a deployment whose id is the test's `odd`."""
    new = {"deployment_id": request.getfixturevalue("odd"), "deployment_name": NAME}
    entry = new | {"machine_type": "prod-gpu", "status": "ready"}
    twist["/list"] = with_entries(lambda found: [*found, entry])
    worker.sync()
    return Deployment.objects.get(deployment_name=NAME)


@given(st.text(min_size=1, max_size=60))
def test_each_id_is_one_segment_and_comes_back(deployment_id):
    converter = DeploymentIdConverter()

    segment = converter.to_url(deployment_id)

    assert re.fullmatch(converter.regex, segment)
    assert unquote(segment) == segment
    assert urljoin("http://portal/w/acme/deployments/x/", f"../{segment}/").endswith(
        f"/deployments/{segment}/"
    )
    assert converter.to_python(segment) == deployment_id


@pytest.mark.parametrize("deployment_id", PLAIN_IDS)
def test_a_plain_id_is_shown_in_the_address_as_it_is(deployment_id):
    assert reverse("fleet:detail", args=["acme", deployment_id]) == f"/w/acme/deployments/{deployment_id}/"


def test_a_deployment_that_is_called_like_a_page_of_ours_hides_no_page():
    assert reverse("fleet:detail", args=["acme", "new"]) != reverse("operations:new", args=["acme"])


@pytest.mark.parametrize("segment", ["~bmlnaHQ", "~%%%", "~////", "~_w", "..", "~", "~bmV3=="])
def test_a_segment_that_we_do_not_write_leads_nowhere(segment):
    with pytest.raises(Resolver404):
        resolve(f"/w/acme/deployments/{segment}/")


@pytest.mark.parametrize("odd", ODD_IDS)
def test_every_link_and_button_of_an_odd_id_leads_to_its_own_pages(odd, odd_one, ana):
    address = odd_one.get_absolute_url()
    page = ana.get(FLEET).content.decode()
    row = re.search(rf'<tr id="row-{odd_one.pk}".*?</tr>', page, re.DOTALL)[0]

    targets = {unescape(one) for one in re.findall(r' (?:href|action|formaction)="([^"]*)"', row)}
    targets = {one for one in targets if not one.startswith("/static/")}  # icons

    assert address in targets and f"{address}pause/" in targets
    assert all(one.startswith(address) for one in targets)
    for path in (address, f"{address}logs/", f"{address}delete/"):
        assert NAME in ana.get(path).content.decode()


@pytest.mark.parametrize("odd", ODD_IDS)
def test_pausing_an_odd_id_asks_for_it_and_no_other(odd, odd_one, ana):
    ana.ask(odd_one, "pause")

    assert Operation.objects.get().target_id == odd


@pytest.mark.parametrize("odd", ["..", "a/b", "new"])
def test_the_trail_links_to_the_deployment_of_an_odd_id(odd, odd_one, ana):
    ana.ask(odd_one, "pause")

    assert f'href="{odd_one.get_absolute_url()}"' in ana.get("/w/acme-vision/activity/").content.decode()


# Text in commands


@pytest.mark.parametrize(
    ("domain", "is_shown"),
    [
        ("night-shift-acme.roboflow.cloud", True),
        ("xn--mnchen-3ya.example", True),
        ("x.example$(reboot)", False),
        ("x.example`id`", False),
        ('x.example"; reboot; "', False),
        ("x.example/../../", False),
        ("user@x.example", False),
        ("x.example:8080", False),
        ("x y.example", False),
        ("x.example\nreboot", False),
        ("x.example\n", False),
        ("-x.example", False),
        ("x\u202e.example", False),
        ("localhost", False),
        ("a." * 127 + "com", False),
    ],
)
def test_only_a_host_name_is_put_into_commands(domain, is_shown, ana, fleet, worker, twist):
    twist["/list"] = changed_one("pallet-counter", domain=domain)
    worker.sync()

    page = ana.get(fleet["pallet-counter"].get_absolute_url()).content.decode()

    assert is_host_name(domain) == is_shown
    assert ("curl" in page) == ("InferenceHTTPClient" in page) == is_shown
    assert (f"https://{domain}/" in page) == is_shown
