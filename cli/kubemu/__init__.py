"""The front door: the virtual machines of KubeVirt manifests, on this machine."""

__version__ = "0.1.0"
