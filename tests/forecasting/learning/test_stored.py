import json

import pytest

from cpms.domain.errors import InvalidInput
from forecasting.learning.stored import pack, unpack


def test_what_was_packed_comes_back():
    assert unpack(pack({"trees": [1, 2], "peak_kw": 3.5})) == {"trees": [1, 2], "peak_kw": 3.5}


@pytest.mark.parametrize("text", [json.dumps({"made_by": "older", "trees": []}), json.dumps({"trees": []}), "", "{"])
def test_a_model_of_another_version_is_refused_with_the_cure(text):
    with pytest.raises(InvalidInput, match="train anew"):
        unpack(text)
