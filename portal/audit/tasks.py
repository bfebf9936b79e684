"""Tasks of the trail: sign its head, verify it."""

from celery import shared_task
from django.contrib.auth import get_user_model
from django.utils.timezone import now

from portal.audit import sign, verify
from portal.audit.origin import Origin
from portal.queue.lease import holding_lease

LONGEST_SECONDS = 900  # enough for many millions of entries: about 100,000 are verified in a second


@shared_task(name="audit.sign_head")
def sign_head() -> None:
    """Sign the head of the trail if the last signature is old enough."""
    sign.sign_when_due(now=now())


@shared_task(name="audit.verify", soft_time_limit=LONGEST_SECONDS - 60, time_limit=LONGEST_SECONDS)
def verify_trail(user_id: str) -> None:
    """Verify the whole trail for a person, unless another verification is running."""
    with holding_lease("audit.verify", now=now()) as held:
        if held and (person := get_user_model().objects.filter(pk=int(user_id)).first()):
            verify.verify_for_person(Origin(actor_id=person.pk, actor_name=str(person)))
