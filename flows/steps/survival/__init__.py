"""Steps on survival, and on the balance of the groups compared."""
