"""One module per command; `command` in each is what the command line calls."""
