"""What every module that keeps a resource documents with the same words."""

from __future__ import annotations


class ModuleDocFragment:
    #: `slipway.aws.resource.attributes`: for what is never deleted alone, and so has no state.
    ATTRIBUTES = r"""
attributes:
  check_mode:
    support: full
    description: Reads, refuses what AWS would refuse, and says what would change.
  diff_mode:
    support: full
    description: Shows the fields that differ and nothing else.
"""
    #: `slipway.aws.resource`
    DOCUMENTATION = (
        r"""
options:
  state:
    description: Whether it shall exist.
    type: str
    choices: [present, absent]
    default: present
"""
        + ATTRIBUTES
    )
