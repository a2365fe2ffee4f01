"""The guest agent may say anything: what is asked of it ends, in bounded time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.resident.conftest import peak_memory
from virtlauncher.errors import AgentError, NotNow

if TYPE_CHECKING:
    from tests.integration.resident.conftest import Launched, Launchers, Plans


async def _ask(it: Launched, command: str = "guest-info", **arguments: Any) -> Any:
    return (await it.do("agent", command=command, timeout=3, **arguments))["answer"]


async def test_a_command_and_its_arguments_reach_the_agent(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.fake("agent", "well", "late"))
        assert await _ask(it, arguments={"a": [1]}) == {
            "execute": "guest-info",
            "arguments": {"a": [1]},
        }
        assert await _ask(it, "guest-ping") == {"execute": "guest-ping"}


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("refusing", r"the guest agent refused guest-info: not \\x1b\[2J here"),
        ("malformed", "the guest agent's answer is not JSON"),
        ("listing", "the guest agent's answer is no JSON object"),
        ("deep", "the guest agent's answer is not JSON"),
        ("endless", "the guest agent's answer is longer than 65536 bytes"),
        ("noisy", "the guest agent sent [0-9]+ bytes that nobody asked for"),
        ("impostor", "the guest agent did not answer guest-info in 3 s"),
        ("silent", "the guest agent did not answer guest-info in 3 s"),
        ("hung_up", "the guest agent's channel is closed"),
    ],
)
async def test_an_agent_that_answers_badly_is_explained(
    launchers: Launchers, plans: Plans, behaviour: str, sentence: str
) -> None:
    async with launchers() as it:
        await it.start(plans.fake("agent", behaviour))
        with pytest.raises(AgentError, match=sentence):
            await _ask(it)
        assert (await it.do("status"))["state"]["name"] == "running"
        assert peak_memory(it.process.pid) < 60


async def test_after_a_bad_answer_a_good_one_is_understood(
    launchers: Launchers, plans: Plans
) -> None:
    async with launchers() as it:
        await it.start(plans.fake("agent", "silent", "malformed", "well"))
        for _ in range(2):
            with pytest.raises(AgentError):
                await _ask(it)
        assert await _ask(it) == {"execute": "guest-info"}


async def test_silence_is_success_for_a_shutdown(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.fake("agent", "well", "silent_after_sync"))
        assert await _ask(it) == {"execute": "guest-info"}
        assert await _ask(it, "guest-shutdown") is None


async def test_without_a_channel_there_is_no_agent(launchers: Launchers, plans: Plans) -> None:
    async with launchers() as it:
        await it.start(plans.fake("after-start", "mute"))
        with pytest.raises(NotNow, match="the VM has no guest agent channel"):
            await _ask(it)
