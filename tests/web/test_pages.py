"""What holds for all pages: no keys on them, and few database queries."""


def test_no_page_shows_a_key(ana, ben, fleet):
    detail = f"/w/acme-vision/deployments/{fleet['pallet-counter'].deployment_id}/"
    pages = [
        "/keys/",
        "/w/acme-vision/",
        detail,
        f"{detail}logs/",
        "/w/acme-vision/activity/",
        "/w/acme-vision/team/",
        "/system/",
        "/activity/",
    ]

    text = "".join(ana.get(path).content.decode() for path in pages)

    assert "sandbox-key" not in text


def test_the_fleet_page_asks_the_database_a_bounded_number_of_times(
    ana, fleet, django_assert_max_num_queries
):
    ana.get("/w/acme-vision/")  # the first page of a minute notes that the person was seen

    with django_assert_max_num_queries(13):
        ana.get("/w/acme-vision/")


def test_an_unchanged_poll_is_three_reads(ana, fleet, django_assert_max_num_queries):
    rev = ana.get("/w/acme-vision/").context["heartbeat"].rev

    with django_assert_max_num_queries(3):
        assert ana.htmx(f"/w/acme-vision/heartbeat/?rev={rev}", target="heartbeat").status_code == 204
