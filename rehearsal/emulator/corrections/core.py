"""What concerns all services of moto: memory and speed, no answer."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto import backends
from moto.core import responses
from moto.core.common_models import BaseModel

from .registry import correct, correct_value


@correct(BaseModel, "__new__")
def new_model(cls: type[BaseModel], *_args: Any, **_kwargs: Any) -> BaseModel:
    """Keep no list of every object ever made: moto's dashboard wants it, and it never shrinks."""
    return object.__new__(cls)


# moto lists its own directory and inspects a class for every request: half of the time that a request takes.
_modules = tuple(backends.list_of_moto_modules())
correct_value(backends, "list_of_moto_modules", lambda: _modules)
correct_value(responses, "method_names_from_class", cache(vars(responses)["method_names_from_class"]))
