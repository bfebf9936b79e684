"""The database itself refuses to change or remove events."""

from typing import ClassVar

from django.db import migrations

from portal.audit import triggers


class Migration(migrations.Migration):
    """Set the triggers of this database."""

    dependencies: ClassVar = [("audit", "0001_initial")]
    operations: ClassVar = [
        migrations.RunPython(lambda apps, editor: triggers.create_triggers(editor.connection), lambda apps, editor: triggers.drop_triggers(editor.connection)),
    ]
