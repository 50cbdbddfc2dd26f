from cpms.domain.errors import InvalidInput, NotFound


def test_a_class_docstring_is_its_default_message() -> None:
    assert str(NotFound()) == "There is no such thing."
    assert str(NotFound("no site 'x'")) == "no site 'x'"


def test_invalid_input_names_field_problem_and_cure() -> None:
    error = InvalidInput("limit_kw", "-3 is negative", "give 0 or more")
    assert str(error) == "limit_kw: -3 is negative; give 0 or more"
    assert (error.field, error.problem, error.cure) == ("limit_kw", "-3 is negative", "give 0 or more")
