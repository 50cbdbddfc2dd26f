"""The words of the platform: frozen dataclasses and pure functions, standard library only.

Import from the module that owns the word (`from cpms.domain.site import Connector`).
"""
