"""The group kubevirt.io: virtual machines, their instances, and what controls them."""
