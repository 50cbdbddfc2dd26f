"""The composition root: the only place that knows every room. Imported by nobody but `cpms.__main__`."""
