"""Steps on hazards of lesion response and progression."""
