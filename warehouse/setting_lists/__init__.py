"""Every setting with its default, by part of the warehouse."""
