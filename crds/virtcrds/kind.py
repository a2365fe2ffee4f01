"""What every kind of the API has: group and version, kind, metadata."""

from typing import Any, ClassVar

from pydantic import Field

from .base import Model
from .kubernetes.meta import ObjectMeta

GROUP_VERSION = "kubevirt.io/v1"


class Kind(Model):
    """An object that the API server stores."""

    group_version: ClassVar[str] = GROUP_VERSION

    api_version: str = Field(default="", description="API group and version.")
    kind: str = Field(default="", description="Kind of the object.")
    metadata: ObjectMeta = Field(
        default_factory=ObjectMeta.model_construct, description="Name, labels and bookkeeping."
    )

    def to_json(self) -> dict[str, Any]:
        """The JSON tree, always with apiVersion and kind."""
        head = {
            "apiVersion": self.api_version or self.group_version,
            "kind": self.kind or type(self).__name__,
        }
        return head | super().to_json()
