"""Count what the monitor itself does, in a registry that is given."""
