"""Which operations of a migration the version before it survives, which still runs while it is applied."""

from collections.abc import Iterator

from django.db.migrations import operations as ops
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field, ManyToManyField
from django.db.models.fields import NOT_PROVIDED

HARMLESS = (
    ops.CreateModel,
    ops.AddIndex,
    ops.RemoveIndex,
    ops.RenameIndex,
    ops.RemoveConstraint,
    ops.AlterModelOptions,
    ops.AlterModelManagers,
    ops.AlterModelTableComment,
)


def refused_operations(migration: Migration, before: ProjectState) -> Iterator[str]:
    """Yield a line for each operation that breaks the version before; `before` is the first state."""
    state, new_models = before.clone(), set()
    for operation in database_operations(migration.operations):
        if isinstance(operation, ops.CreateModel):
            new_models.add(operation.name_lower)
        is_about_new_model = getattr(operation, "model_name_lower", "") in new_models
        if not is_about_new_model and (why := refusal(operation, migration.app_label, state)):
            yield f"{migration.app_label}.{migration.name}: {operation.describe()}: {why}"
        operation.state_forwards(migration.app_label, state)


def database_operations(operations: list[Operation]) -> Iterator[Operation]:
    """Yield the operations that change the database."""
    for operation in operations:
        if isinstance(operation, ops.SeparateDatabaseAndState):
            yield from database_operations(operation.database_operations)
        else:
            yield operation


def refusal(operation: Operation, app: str, state: ProjectState) -> str:
    """Return why the version before does not survive the operation on a table that it knows, or ""."""
    if isinstance(operation, HARMLESS):
        return ""
    if isinstance(operation, ops.AddField):
        return refusal_of_new_field(operation.field)
    if isinstance(operation, ops.AlterField):
        old = state.models[app, operation.model_name_lower].get_field(operation.name)
        return refusal_of_changed_field(old, operation.field)
    if isinstance(operation, ops.RunPython | ops.RunSQL):
        return "a person has to say that the version before bears it"
    return "the version before still reads or writes what it takes away"


def refusal_of_new_field(field: Field) -> str:
    """Return why rows of the version before, which does not know the field, cannot be inserted, or ""."""
    if field.null or isinstance(field, ManyToManyField) or field.db_default is not NOT_PROVIDED:
        return "" if not field.unique or field.null else "its rows would all have the same value"
    return "its rows would lack the value: give it null=True or db_default"


def refusal_of_changed_field(old: Field, new: Field) -> str:
    """Return what the version before may still write that the changed column does not take, or ""."""
    if old.get_internal_type() != new.get_internal_type():
        return "the column gets another type"
    if old.null and not new.null and new.db_default is NOT_PROVIDED:
        return "it may still write NULL"
    if old.db_default is not NOT_PROVIDED and new.db_default is NOT_PROVIDED:
        return "its rows may rely on the default"
    if new.unique and not old.unique:
        return "it may still write the same value twice"
    if old.db_column != new.db_column:
        return "the column gets another name"
    lengths = (old.max_length or 10**9, new.max_length or 10**9)
    return "it may still write longer texts" if lengths[1] < lengths[0] else ""
