from forecasting.learning.compete import leader


def test_the_incumbent_stays_until_another_is_better_by_the_margin():
    losses = {"new": [0.99] * 50, "old": [1.0] * 50}
    assert leader(losses, "old", margin=0.02) == "old"
    assert leader(losses, "old") == "new"


def test_few_losses_prove_nothing():
    assert leader({"new": [0.0] * 5, "old": [1.0] * 50}, "old") == "old"
    assert leader({"new": [0.0] * 50, "old": [1.0] * 5}, "old") == "old"
