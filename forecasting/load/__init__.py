"""Everything behind the meter but vehicles, and the month's peak."""
