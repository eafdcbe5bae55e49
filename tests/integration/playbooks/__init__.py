"""Playbooks against an emulated account of their own."""
