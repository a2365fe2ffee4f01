"""A pod's network led to tap devices: observe, plan, apply, undo. Knows nothing of VMs."""
