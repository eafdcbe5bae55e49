"""Ansible documentation fragment: the options of the modules that keep a parameter group."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  name:
    description: Its name. A change of name is a new group.
    type: str
    required: true
  family:
    description:
      - The family, such as V(valkey8) of ElastiCache or V(postgres17) of RDS. Required when O(state=present). It cannot
        be changed.
    type: str
  description:
    description: What it is for. The name for a new one. It cannot be changed.
    type: str
  purge_parameters:
    description: Whether parameters that are set but not in O(parameters) are reset to the family's default.
    type: bool
    default: true
"""
