"""The half of the launcher that stays beside QEMU: standard library and qemu.qmp, nothing else."""

VERSION = "0.1.0"
"""Of the distribution; importlib.metadata would cost more memory than the whole server."""
