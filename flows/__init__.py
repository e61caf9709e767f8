"""When things run: the flows, and in ``flows.steps`` the Python steps of the warehouse's graph."""
