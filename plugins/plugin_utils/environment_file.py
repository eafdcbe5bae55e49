"""Values for systemd's EnvironmentFile. Pure.

https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile= and, for what the page
leaves out, systemd's parse_env_file: inside double quotes a backslash takes the meaning from a quote, a backslash, a
backtick and a dollar; a line break stays what it is; nothing is expanded.
"""

from __future__ import annotations

import re

# systemd drops a variable whose value holds another control character than tab and line feed (env_value_is_valid).
_REFUSED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def quote(value: str) -> str:
    """The value in double quotes, so that systemd reads back exactly it and nothing in it begins another variable.

    Raises ValueError for NUL and other control characters, with which systemd would drop the variable.
    """
    refused = _REFUSED.search(value)
    if refused:
        raise ValueError(
            f"the character U+{ord(refused[0]):04X} at position {refused.start()} cannot be in an environment variable"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the character at position {error.start} is not Unicode text") from error
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'
