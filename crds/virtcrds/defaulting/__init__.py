"""Defaulting: a VM with everything filled in that KubeVirt would fill in at its creation.

Pure: nothing is read but the object and the cluster's configuration, and a new object is
returned. Doing it twice changes nothing. Users see the result in `kubectl get -o yaml`, so it
keeps KubeVirt's order and values. `instance` defaults VMIs, `machine` VMs.
"""
