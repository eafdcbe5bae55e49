"""What an emulator cannot say about the stack: whether AWS would take it, what it allows, and what auditors object to.

Everything here looks at one thing: the account that `playbooks/` make of an environment, and the requests that made it.
"""
