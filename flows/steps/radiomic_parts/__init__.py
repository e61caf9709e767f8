"""What the steps on radiomic features share: the features as matrices, and the sampling study."""
