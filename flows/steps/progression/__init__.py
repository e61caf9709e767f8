"""Steps on the order in which organs progress."""
