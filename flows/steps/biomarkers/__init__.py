"""Steps on biomarkers over time."""
