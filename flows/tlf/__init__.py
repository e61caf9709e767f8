"""Tables, listings and figures of one study by arm, from its analysis datasets: ``lesions tlf``."""

from flows.tlf.write import write_tlf

__all__ = ["write_tlf"]
