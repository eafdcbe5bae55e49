"""Commands for those who keep this project, not for those who run it."""
