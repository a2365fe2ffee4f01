"""virt-handler: the VMIs of one node, from Scheduled on."""
