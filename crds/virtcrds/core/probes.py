"""Probes: is the guest alive, is it ready."""

from pydantic import Field

from ..base import Empty, Model, Rule
from ..kubernetes.pod import ExecAction, HTTPGetAction, TCPSocketAction
from ..scalars import Int32

_HANDLERS = "[has(self.exec), has(self.guestAgentPing), has(self.httpGet), has(self.tcpSocket)]"


class Probe(Model):
    """A question that is asked again and again, and what its answers mean."""

    cel_rules = (
        Rule(
            rule=f"{_HANDLERS}.filter(x, x).size() <= 1",
            message="must have exactly one probe type set",
        ),
        Rule(
            rule=f"{_HANDLERS}.exists(x, x)",
            message="either tcpSocket, exec or httpGet must be set if a probe is specified",
        ),
    )

    exec: ExecAction | None = Field(
        default=None, description="Run a command in the guest through its agent."
    )
    guest_agent_ping: Empty | None = Field(
        default=None, description="Ask whether the guest agent answers."
    )
    http_get: HTTPGetAction | None = Field(default=None, description="Make an HTTP request.")
    tcp_socket: TCPSocketAction | None = Field(default=None, description="Open a TCP connection.")
    initial_delay_seconds: Int32 = Field(
        default=0, description="Seconds after the start until the first question."
    )
    timeout_seconds: Int32 = Field(default=0, description="Seconds to wait for an answer; 1.")
    period_seconds: Int32 = Field(default=0, description="Seconds between questions; 10.")
    success_threshold: Int32 = Field(
        default=0, description="Successes in a row that make a success; 1."
    )
    failure_threshold: Int32 = Field(
        default=0, description="Failures in a row that make a failure; 3."
    )
