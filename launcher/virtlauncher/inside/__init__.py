"""Commands for people inside the launcher's pod: `kubectl exec -it POD -- qmp`, `console`, …

Standard library only, and little of it: `kubectl exec` starts a Python for each.
"""
