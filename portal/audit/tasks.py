"""Periodic work of the trail."""

from celery import shared_task
from django.db import transaction
from django.utils.timezone import now

from portal.audit import verify
from portal.audit.actions import Action
from portal.audit.append import Thing, append
from portal.audit.origin import Origin


@shared_task(name="audit.sign_head")
def sign_head() -> None:
    """Sign the head of the trail."""
    verify.sign_head(now=now())


@shared_task(name="audit.verify", soft_time_limit=3000, time_limit=3600)
def verify_trail(user_id: str, user_name: str) -> None:
    """Verify the whole trail for a person, and keep what was found."""
    finding = verify.verify()
    verify.keep(finding, by=user_name, now=now())
    result = "intact" if finding.ok else finding.words
    with transaction.atomic():
        by = Origin(actor_id=int(user_id), actor_name=user_name)
        append(Action.TRAIL_VERIFIED, by=by, at=now(), about=Thing(type="trail", name="trail"), changes={"result": (None, result)})
