"""Where a training can be launched: a module for each kind of machine."""
