"""A real Kubernetes of two nodes on one machine, by one command."""
