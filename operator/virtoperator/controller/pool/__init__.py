"""As many equal VMs as were asked for, with numbers in their names."""
