"""Shapes of Kubernetes that KubeVirt's API uses: metadata, scheduling, probes, DNS."""
