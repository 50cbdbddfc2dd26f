"""Tests and benchmarks; a package, because a dependency of the benchmarks installs one of the same name."""
