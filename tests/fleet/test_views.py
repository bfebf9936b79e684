"""The pages of the fleet: what they add to the rows and figures that other files compute."""

from tests.people import operation_of

FLEET = "/w/acme-vision/"


def attention(person):
    return person.get(FLEET).context["summary"].figures["attention"]


def test_a_create_that_failed_counts_as_needing_attention_although_it_has_no_row(ana, fleet, worker, sandbox):
    before = attention(ana)
    sandbox.fault("/add", "status", 1, status=400)

    operation = operation_of(ana.create("brand-new"))
    queued = attention(ana)
    worker.run()

    assert (queued, attention(ana)) == (before, before + 1)
    ana.post(f"{FLEET}operations/{operation.pk}/dismiss/")
    assert attention(ana) == before
