"""What is to be expected, as quantiles: sun, other load, sessions. Domain dataclasses in and out; numpy stays inside.

Every function is pure: what it may know is what it is given, and `issued_at` says when that was.
"""
