"""Trained models as text for the database: readable by the version whose features they were trained on, and by no other."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cpms.domain.errors import InvalidInput
from forecasting import time_of_week
from forecasting.learning import conformal, learn, spread
from forecasting.sessions import features as session_features
from forecasting.sessions import model as session_model
from forecasting.solar import features as solar_features
from forecasting.solar import model as solar_model

WHAT_MODELS_REST_ON = (
    conformal,
    learn,
    spread,
    session_features,
    session_model,
    solar_features,
    solar_model,
    time_of_week,
)


def pack(content: Mapping[str, object]) -> str:
    """`content` (plain values) as text."""
    return json.dumps({"made_by": _version(), **content})


def unpack(text: str) -> dict[str, Any]:
    """What `pack` was given; InvalidInput if another version of the features made it."""
    try:
        content: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise InvalidInput("model", f"is not what was stored ({error})", "train anew") from error
    if content.pop("made_by", None) != _version():
        raise InvalidInput("model", "was trained by another version of the product", "train anew")
    return content


@cache
def _version() -> str:
    """A fingerprint of the code that makes features: a model means nothing with others."""
    sources = "".join(inspect.getsource(module) for module in WHAT_MODELS_REST_ON)
    return hashlib.sha256(sources.encode()).hexdigest()[:16]
