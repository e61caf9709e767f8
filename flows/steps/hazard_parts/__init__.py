"""What the step ``hazard`` is made of; imported by it only when it runs."""
