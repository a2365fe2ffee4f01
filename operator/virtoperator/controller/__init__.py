"""virt-controller: VM to VMI, VMI to launcher pod, hand-off to the node."""
