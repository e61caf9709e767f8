"""Python steps: each module joins functions of ``udfs`` to the tables they read and write.

Every module of this package is imported by ``warehouse.registry.installed_steps``, so a module's
top imports only what is quick to import.
"""

from udfs.helper_time import helper_seconds
from warehouse.registry import count_helpers

count_helpers(helper_seconds)
