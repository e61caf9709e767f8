"""What the step ``growth`` is made of."""
