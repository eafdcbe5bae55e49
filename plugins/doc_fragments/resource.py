"""What every module that keeps a resource documents with the same words."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  state:
    description: Whether it shall exist.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Reads, refuses what AWS would refuse, and says what would change.
  diff_mode:
    support: full
    description: Shows the fields that differ and nothing else.
"""
