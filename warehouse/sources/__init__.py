"""Reading trial tables: one module per format, one for the mapping, one for the loading.

A reader turns a file into a *stage*: a Parquet file that holds every cell as text and the number of
each record in its source. A mapping turns a stage into rows of the raw domains. Nothing here knows
what a lesion is; the declared tables are in :mod:`warehouse.sources.domains`.
"""
