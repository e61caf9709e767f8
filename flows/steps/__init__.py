"""Python steps: each module joins functions of ``udfs`` to the tables they read and write.

Every module of this package is imported by ``warehouse.registry.installed_steps``, so a module's
top imports only what is quick to import.
"""
