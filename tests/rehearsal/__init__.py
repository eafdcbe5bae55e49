"""The whole, as its users see it. The files run in the order of their names: the failures come last."""
