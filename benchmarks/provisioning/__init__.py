"""Slipway and Terraform side by side: the same stack, each against an emulated account of its own."""
