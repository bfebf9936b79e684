"""What a machine type costs: a price for a part of its name, or none."""

import pytest

from deployments.fleet.prices import credits_per_hour


@pytest.mark.parametrize(
    ("machine_type", "price"),
    [("dev-gpu", 1.0), ("prod-cpu", 0.25), ("PROD-GPU-large", 1.0), ("tpu", None), ("", None)],
)
def test_a_type_has_the_price_of_the_first_part_that_its_name_contains(machine_type, price, settings):
    settings.ROBOFLOW_CREDITS_PER_HOUR = {"gpu": 1, "cpu": 0.25}

    assert credits_per_hour(machine_type) == price
