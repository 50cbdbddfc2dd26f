"""Situations as people write them (JSON), read into requests."""
