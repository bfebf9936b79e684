"""Our own style sheets and scripts stay light."""

import pytest

from tests.tools.weigh import LIMITS, own_weight


@pytest.mark.parametrize("kind", sorted(LIMITS))
def test_our_style_sheets_and_scripts_stay_within_their_limits(kind):
    assert 1000 < own_weight(kind) <= LIMITS[kind]
