"""An upgrade migrates while the old version runs: migrations only add (see CONTRIBUTING.md)."""

import pytest
from django.apps import apps
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.house.additive import refused_operations

# "app.name" of a migration that does more than add, and why the version before survives it.
REVIEWED = {"audit.0001_initial": "it makes the triggers of tables that are as new as they are"}


def refusals_of_ours():
    loader = MigrationLoader(None)
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith(("portal.", "deployments."))}
    for key in loader.graph.nodes:
        if key[0] in ours:
            before = loader.project_state(key, at_end=False)
            yield from refused_operations(loader.graph.nodes[key], before)


def test_every_migration_of_ours_only_adds():
    found = list(refusals_of_ours())

    assert [line for line in found if line.split(":")[0] not in REVIEWED] == []
    assert {line.split(":")[0] for line in found} == set(REVIEWED)  # no exception that is no longer needed


def test_it_looks_at_every_room_that_has_tables():
    ours = {model._meta.app_label for model in apps.get_models() if "django" not in model.__module__}

    assert {"accounts", "audit", "ledger", "fleet", "keys"} <= ours & set(MigrationLoader(None).migrated_apps)


@pytest.fixture
def before():
    """A table as the version before knows it."""
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("word", models.CharField(max_length=20)),
        ("maybe", models.IntegerField(null=True)),
        ("preset", models.IntegerField(db_default=1)),
    ]
    migrations.CreateModel("thing", fields).state_forwards("room", state)
    return state


def refused(before, *operations):
    migration = migrations.Migration("0002", "room")
    migration.operations = list(operations)
    return [line.rpartition(": ")[2] for line in refused_operations(migration, before)]


INDEX = models.Index(fields=["word"], name="by_word")
UNIQUE = models.UniqueConstraint(fields=["word"], name="one_word")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("other", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddField("thing", "new", models.IntegerField(null=True)),
        migrations.AddField("thing", "new", models.IntegerField(default=1, db_default=1)),
        migrations.AddField("thing", "new", models.CharField(max_length=9, null=True, unique=True)),
        migrations.AlterField("thing", "word", models.CharField(max_length=30, help_text="longer")),
        migrations.AlterField("thing", "word", models.CharField(max_length=20, null=True)),
        migrations.AlterField("thing", "word", models.CharField(max_length=20, db_default="")),
        migrations.AddIndex("thing", INDEX),
        migrations.AlterModelOptions("thing", {"ordering": ["word"]}),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("thing", "word")]),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_adds_is_taken(operation, before):
    assert refused(before, operation) == []


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        (migrations.AddField("thing", "new", models.IntegerField(default=1)), "null=True or db_default"),
        (
            migrations.AddField("thing", "new", models.IntegerField(db_default=1, unique=True)),
            "the same value",
        ),
        (migrations.RemoveField("thing", "word"), "takes away"),
        (migrations.RenameField("thing", "word", "name"), "takes away"),
        (migrations.RenameModel("thing", "matter"), "takes away"),
        (migrations.DeleteModel("thing"), "takes away"),
        (migrations.AlterModelTable("thing", "other_table"), "takes away"),
        (migrations.AddConstraint("thing", UNIQUE), "takes away"),
        (migrations.AlterField("thing", "word", models.CharField(max_length=19)), "longer texts"),
        (migrations.AlterField("thing", "word", models.IntegerField()), "another type"),
        (migrations.AlterField("thing", "word", models.CharField(max_length=20, unique=True)), "value twice"),
        (
            migrations.AlterField("thing", "word", models.CharField(max_length=20, db_column="w")),
            "another name",
        ),
        (migrations.AlterField("thing", "maybe", models.IntegerField(default=1)), "write NULL"),
        (migrations.AlterField("thing", "preset", models.IntegerField(default=1)), "rely on the default"),
        (migrations.RunPython(migrations.RunPython.noop), "a person has to say"),
        (migrations.RunSQL("SELECT 1"), "a person has to say"),
        (
            migrations.SeparateDatabaseAndState(
                database_operations=[migrations.RemoveField("thing", "word")]
            ),
            "takes away",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.describe(),
)
def test_what_breaks_the_version_before_is_refused(operation, why, before):
    (line,) = refused(before, operation)

    assert why in line


def test_a_table_that_is_new_itself_may_have_anything(before):
    fields = [("id", models.BigAutoField(primary_key=True)), ("word", models.CharField(max_length=9))]

    assert (
        refused(before, migrations.CreateModel("new", fields), migrations.AddConstraint("new", UNIQUE)) == []
    )
