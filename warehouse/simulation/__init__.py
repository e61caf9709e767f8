"""How simulated numbers become files: SDTM tables, the truth beside them, planted defects."""
