"""Let the tests import the collection as Ansible does: ``ansible_collections.slipway.aws`` from ``collections/``."""

from __future__ import annotations

from pathlib import Path

from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder  # type: ignore[import-untyped]

PROJECT = Path(__file__).parents[3]

_AnsibleCollectionFinder(paths=[str(PROJECT / "collections")])._install()
