"""Virtual machines as pods: virt-controller, virt-handler, and what they share."""
