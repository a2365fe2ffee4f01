"""The node that virt-handler speaks for: its devices, its labels, its heartbeat."""
