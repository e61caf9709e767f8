"""How numbers are computed: pure functions, arrays in, frozen dataclass out.

Nothing here knows a database, a file or an orchestrator.
"""
