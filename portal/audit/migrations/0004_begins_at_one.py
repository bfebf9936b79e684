"""No entry stands before the first one; signed heads only grow, too. SQLite makes the table anew, so its triggers are set again."""

from typing import ClassVar

from django.db import migrations, models

from portal.audit import triggers


class Migration(migrations.Migration):
    """Constrain the sequence, set the triggers."""

    dependencies: ClassVar = [("audit", "0003_refuse_replace")]
    operations: ClassVar = [
        migrations.AddConstraint(
            model_name="event", constraint=models.CheckConstraint(condition=models.Q(("sequence__gte", 1)), name="the_trail_begins_at_one")
        ),
        migrations.RunPython(lambda apps, editor: triggers.create_triggers(editor.connection), migrations.RunPython.noop),
    ]
