"""SQLite's INSERT OR REPLACE is refused, too."""

from typing import ClassVar

from django.db import migrations

from portal.audit import triggers


class Migration(migrations.Migration):
    """Set the triggers again: those that stand already stay."""

    dependencies: ClassVar = [("audit", "0002_triggers")]
    operations: ClassVar = [
        migrations.RunPython(lambda apps, editor: triggers.create_triggers(editor.connection), migrations.RunPython.noop),
    ]
