"""No text of a user changes which options and keys a command line has (and none is lost)."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from virtcrds import VirtualMachineInstance
from virtlauncher.builder.plan import plan
from virtlauncher.builder.prepared import Prepared
from virtlauncher.errors import Refused
from virtlauncher.facts import Facts

Case = tuple[VirtualMachineInstance, Facts, Prepared]
Make = Callable[[dict[str, Any]], Case]

JSON_OPTIONS = {"-object", "-blockdev", "-netdev", "-device", "-audiodev"}
KEYVAL_OPTIONS = {
    "-name",
    "-sandbox",
    "-action",
    "-add-fd",
    "-machine",
    "-accel",
    "-smp",
    "-m",
    "-rtc",
    "-boot",
    "-smbios",
    "-chardev",
    "-mon",
}
LITERAL_OPTIONS = {"-append", "-kernel", "-uuid", "-cpu", "-display", "-vnc"}

TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    st.sampled_from(
        [",", "a,b=c", "=", '"}', "\\", "\n-daemonize", ",,", "-S", "x,file=/etc/passwd", "é☃" * 9]
    ),
)


def tree(text: str) -> dict[str, Any]:
    """A VM with `text` wherever a user may write freely."""
    return {
        "vmi": {
            "metadata": {"name": text, "namespace": text},
            "spec": {
                "hostname": text,
                "domain": {
                    "memory": {"guest": "256Mi"},
                    "firmware": {
                        "serial": text,
                        "uuid": text,
                        "kernelBoot": {"kernelArgs": text},
                    },
                    "chassis": dict.fromkeys(
                        ("manufacturer", "version", "serial", "asset", "sku"), text
                    ),
                    "devices": {
                        "watchdog": {"name": text, "i6300esb": {}},
                        "sound": {"name": text},
                        "inputs": [{"name": text, "type": "tablet", "bus": "usb"}],
                        "disks": [{"name": text, "disk": {"bus": "scsi"}, "serial": text}],
                        "interfaces": [
                            {
                                "name": text,
                                "masquerade": {},
                                "dhcpOptions": {"bootFileName": text, "tftpServerName": text},
                            }
                        ],
                    },
                },
                "networks": [{"name": text, "pod": {}}],
                "dnsConfig": {"searches": [text]},
            },
        },
        "facts": {"nics": {text: {"kind": "user", "mac": "02:00:00:00:00:01"}}},
        "prepared": {
            "boot": {"kernel_fd": "kernel/" + text},
            "disks": {
                text: {
                    "volume": text,
                    "size": 1 << 20,
                    "layers": [
                        {
                            "format": "raw",
                            "readonly_fd": f"disk/{text}/ro",
                            "readwrite_fd": f"disk/{text}/rw",
                        }
                    ],
                }
            },
        },
    }


def shape(argv: Sequence[str]) -> list[Any]:
    """Options with the keys of their values, read as QEMU reads them."""
    words = iter(argv[1:])
    shapes: list[Any] = []
    for option in words:
        if option in JSON_OPTIONS:
            shapes.append((option, keys(json.loads(next(words)))))
        elif option in KEYVAL_OPTIONS:
            shapes.append((option, [key for key, _ in pairs(next(words))]))
        elif option in LITERAL_OPTIONS:
            shapes.append((option, len(next(words)) > 0))
        else:
            assert option in {"-S", "-no-user-config", "-nodefaults"}, option
            shapes.append(option)
    return shapes


def keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: keys(item) for key, item in value.items()}
    return [keys(item) for item in value] if isinstance(value, list) else None


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """QEMU's `key=value,...`: a doubled comma is one, and a value alone has no key."""
    parts, part, rest = [], "", text
    while rest:
        if rest.startswith(",,"):
            part, rest = part + ",", rest[2:]
        elif rest.startswith(","):
            parts.append(part)
            part, rest = "", rest[1:]
        else:
            part, rest = part + rest[0], rest[1:]
    for one in [*parts, part]:
        key, equals, value = one.partition("=")
        yield (key, value) if equals else ("", one)


@settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(text=TEXT)
def test_the_options_and_their_keys_do_not_depend_on_texts(text: str, make: Make) -> None:
    harmless = plan(*make(tree("plain")))
    built = plan(*make(tree(text)))
    assert shape(built.argv) == shape(harmless.argv)
    smbios = [dict(pairs(value)) for name, value in _valued(built.argv) if name == "-smbios"]
    assert [one["serial"] for one in smbios] == [text, text]
    assert ("-append", text) in _valued(built.argv)
    assert built.disks[0].volume == built.nics[0].name == text


def _valued(argv: Sequence[str]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(argv))


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * (1 << 20)])
def test_a_text_that_no_program_can_be_given_is_refused(text: str, make: Make) -> None:
    given = tree("plain")
    given["vmi"]["spec"]["domain"]["chassis"]["serial"] = text
    with pytest.raises(Refused, match="a text"):
        plan(*make(given))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("cpu.model", "host,x=y", "spec.domain.cpu.model"),
        ("cpu.features", [{"name": "a,b"}], "spec.domain.cpu.features[0].name"),
        ("cpu.features", [{"name": "-x"}], "spec.domain.cpu.features[0].name"),
        ("clock.timezone", "/etc/shadow", "spec.domain.clock.timezone"),
        ("clock.timezone", ":x", "spec.domain.clock.timezone"),
        ("clock.timezone", "Europe/../../x", "spec.domain.clock.timezone"),
        ("clock.utc.offsetSeconds", 2**62, "spec.domain.clock.utc.offsetSeconds"),
    ],
)
def test_a_text_that_cannot_be_quoted_must_be_a_name(
    path: str, value: Any, field: str, make: Make
) -> None:
    given = copy.deepcopy(tree("plain"))
    *way, last = path.split(".")
    place = given["vmi"]["spec"]["domain"]
    for step in way:
        place = place.setdefault(step, {})
    place[last] = value
    with pytest.raises(Refused) as refused:
        plan(*make(given))
    assert refused.value.field == field
