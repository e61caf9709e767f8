"""Steps on the growth of lesions."""
