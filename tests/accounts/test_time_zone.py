"""The time zone of pages: the one of the profile, or else the one that the browser names in a cookie."""

from zoneinfo import ZoneInfo

import pytest

PATH = "/w/acme-vision/activity/"


def shown_zone(person, trail_path=PATH):
    page = person.get(trail_path).content.decode()
    title = page.split('data-clock tabindex="0" title="')[1].split('"')[0]
    return title.rsplit(" ", 1)[1]


@pytest.mark.parametrize(
    ("profile", "cookie", "zone"),
    [
        ("", "", "UTC"),
        ("", "Asia/Tokyo", "JST"),
        ("", "Asia%2FTokyo", "JST"),
        ("Africa/Lagos", "Asia/Tokyo", "WAT"),
        ("Mars/Base", "Asia/Tokyo", "JST"),
        ("", "Mars/Base", "UTC"),
        ("", "../../etc/passwd", "UTC"),
        ("", "Europe", "UTC"),
        ("", "x" * 3000, "UTC"),
        ("", "%00", "UTC"),
    ],
)
def test_the_zone_of_the_profile_comes_before_the_one_of_the_browser(profile, cookie, zone, ana, fleet):
    type(ana.user).objects.filter(pk=ana.user.pk).update(timezone=profile)
    ana.client.cookies["zone"] = cookie

    assert shown_zone(ana) == zone


def test_a_typed_time_is_read_in_the_zone_of_the_page(ana, fleet):
    ana.client.cookies["zone"] = "Pacific/Kiritimati"  # 14 hours ahead
    entry = ana.get(PATH).context["days"][0][1][0].event
    local = entry.at.astimezone(ZoneInfo("Pacific/Kiritimati"))

    answer = ana.get(f"{PATH}?from={local.strftime('%Y-%m-%dT%H:%M')}")

    assert answer.context["days"]
    assert not ana.get(f"{PATH}?to={local.strftime('%Y-%m-%dT00:00')}").context["days"]
