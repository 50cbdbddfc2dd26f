"""OCPP 2.0.1: what its messages mean in our words, and ours in its."""
