"""The content half: opens, inspects and makes what a VM's disks, seeds and firmware consist of."""

from .prepare import PreparedContent, prepare

__all__ = ["PreparedContent", "prepare"]
