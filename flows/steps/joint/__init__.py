"""Joint models of lesions' growth and survival."""
