"""The data plane: what gives the resources of the emulated account a body on this machine."""
