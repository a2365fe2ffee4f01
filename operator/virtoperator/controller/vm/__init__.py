"""A VM: when it runs and when it does not, and how it is doing."""
