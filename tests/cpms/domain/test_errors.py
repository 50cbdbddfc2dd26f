import pickle

import pytest

from cpms.domain.errors import CpmsError, InvalidInput, NotFound, UnsafeConfiguration


def test_a_class_docstring_is_its_default_message() -> None:
    assert str(NotFound()) == "There is no such thing."
    assert str(NotFound("no site 'x'")) == "no site 'x'"


def test_invalid_input_names_field_problem_and_cure() -> None:
    error = InvalidInput("limit_kw", "-3 is negative", "give 0 or more")
    assert str(error) == "limit_kw: -3 is negative; give 0 or more"
    assert (error.field, error.problem, error.cure) == ("limit_kw", "-3 is negative", "give 0 or more")


@pytest.mark.parametrize(
    "error",
    [InvalidInput("limit_kw", "is -1", "give 0 or more"), UnsafeConfiguration("a", "b", "c"), NotFound("nothing")],
)
def test_an_error_survives_the_way_between_processes(error: CpmsError) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived), vars(arrived)) == (type(error), str(error), vars(error))
