"""Steps on radiomic features."""
