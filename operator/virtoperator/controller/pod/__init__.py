"""The launcher's pod of a VMI. Pure: VMI and settings in, a pod's tree out."""

from .errors import Unsupported
from .naming import pod_name
from .overhead import overhead
from .quota import Quota, quota_of
from .render import render

__all__ = ["Quota", "Unsupported", "overhead", "pod_name", "quota_of", "render"]
