"""Steps on when metastases began."""
