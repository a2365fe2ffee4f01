"""Nodes whose virt-handler is not heard of any more."""
