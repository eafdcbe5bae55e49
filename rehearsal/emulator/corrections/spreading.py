"""What one service has made and another has not heard of yet: on AWS for seconds to a minute, here for one request."""

from __future__ import annotations

from typing import Any


def is_news(made: Any) -> bool:
    """Whether nobody has asked for this resource from elsewhere before. It is remembered with it."""
    state: dict[str, Any] = vars(made)
    if state.get("slipway_spread"):
        return False
    state["slipway_spread"] = True
    return True
