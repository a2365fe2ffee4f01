"""A VMI from its creation until it is handed to its node, and whatever the node cannot tell."""
