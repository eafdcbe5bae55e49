"""What concerns all services of moto."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import BaseModel

from .registry import correct


@correct(BaseModel, "__new__")
def new_model(cls: type[BaseModel], *_args: Any, **_kwargs: Any) -> BaseModel:
    """Keep no list of every object ever made: moto's dashboard wants it, and it never shrinks."""
    return object.__new__(cls)
