"""OCPP 1.6J: what its messages mean in our words, and ours in its."""
