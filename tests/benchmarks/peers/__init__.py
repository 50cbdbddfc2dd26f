"""Other people's planners on a problem that all of them can express: see `case`."""
