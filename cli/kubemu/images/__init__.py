"""Images: from a registry (or a file) to an unpacked, read-only root in the cache."""
