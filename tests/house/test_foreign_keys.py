"""Each foreign key begins one index, and no second one only for itself: each index costs at every insert."""

import pytest
from django.apps import apps
from django.db.models import ForeignKey, UniqueConstraint

MODELS = [model for model in apps.get_models() if model.__module__.startswith(("deployments.", "portal."))]
KEYS = [
    pytest.param(model, field, id=f"{model.__name__}.{field.name}")
    for model in MODELS
    for field in model._meta.local_fields
    if isinstance(field, ForeignKey)
]


def indexes_beginning_with(model, name):
    """Return how many indexes over all rows of a model begin with a field."""
    unique = [one for one in model._meta.constraints if isinstance(one, UniqueConstraint)]
    whole = [one for one in (*model._meta.indexes, *unique) if one.fields and not one.condition]
    return sum(one.fields[0].removeprefix("-") == name for one in whole)


@pytest.mark.parametrize(("model", "field"), KEYS)
def test_a_foreign_key_has_an_index_of_its_own_only_if_no_other_begins_with_it(model, field):
    has_own = field.db_index or field.unique

    assert has_own == (indexes_beginning_with(model, field.name) == 0)
