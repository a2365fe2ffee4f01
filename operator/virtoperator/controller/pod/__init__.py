"""The launcher's pod of a VMI. Pure: VMI and settings in, a pod's tree out."""

from .errors import Unsupported
from .naming import pod_name
from .overhead import overhead
from .render import render

__all__ = ["Unsupported", "overhead", "pod_name", "render"]
