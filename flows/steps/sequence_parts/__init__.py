"""Parts of the steps on progression sequences."""
