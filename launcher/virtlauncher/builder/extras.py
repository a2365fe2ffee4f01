"""Small devices of the guest: RNG, watchdog, sound, panic devices, vsock, balloon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .devices import Device, Place, Slot
from .given import Given
from .naming import device_id
from .options import Group, Json, Option
from .pci import ROOT_BUS
from .virtio import virtio_driver, virtio_slot

STATS_PERIOD = 10
"""Seconds, KubeVirt's memBalloonStatsPeriod."""
NO_REPORTING = "kubevirt.io/free-page-reporting-disabled"
PANIC_DRIVERS = {"": "pvpanic", "isa": "pvpanic", "pvpanic": "pvpanic-pci"}
"""By panicDevices[].model; 'hyperv' is a CPU flag, not a device."""
HYPERV_PANIC = "hyperv"


def extras(given: Given) -> list[Option | Device]:
    return [
        *_rng(given),
        *_vsock(given),
        *_panic(given),
        *_watchdog(given),
        *_sound(given),
        *_balloon(given),
    ]


def balloon_stats_period(given: Given) -> int:
    """Seconds; 0 without a balloon."""
    return STATS_PERIOD if _has_balloon(given) else 0


def _rng(given: Given) -> list[Option | Device]:
    if given.devices.rng is None:
        return []
    backend = {"qom-type": "rng-builtin", "id": "rng-source"}
    device = _device(
        virtio_driver(given, "rng"), "rng0", virtio_slot(given), "rng", {"rng": "rng-source"}
    )
    return [Json("-object", backend, Group.DEVICES, "getrandom(2): no file is needed"), device]


def _vsock(given: Given) -> list[Device]:
    cid = given.vmi.status.vsockcid
    if not given.devices.autoattach_vsock or cid is None:
        return []
    driver, props = "vhost-vsock-pci-non-transitional", {"guest-cid": cid}
    return [_device(driver, "vsock0", Slot.PORT, "autoattachVSOCK", props)]


def _panic(given: Given) -> list[Device]:
    models = [one.model or "" for one in given.devices.panic_devices]
    return [
        _device(
            PANIC_DRIVERS[model],
            f"panic{index}",
            Slot.PORT if model == "pvpanic" else Slot.ELSEWHERE,
            f"panicDevices[{index}]",
        )
        for index, model in enumerate(models)
        if model != HYPERV_PANIC
    ]


def _watchdog(given: Given) -> list[Device]:
    watchdog = given.devices.watchdog
    if watchdog is None or watchdog.i6300esb is None:
        return []
    id, fixed = device_id("watchdog", watchdog.name), Place(bus=ROOT_BUS, address="0x1e")
    return [_device("i6300esb", id, Slot.ROOT, "watchdog", fixed=fixed)]


def _sound(given: Given) -> list[Option | Device]:
    sound = given.devices.sound
    if sound is None:
        return []
    id, fixed = device_id("sound", sound.name), Place(bus=ROOT_BUS, address="0x1b")
    silent = {"driver": "none", "id": "audio0"}
    backend = Json("-audiodev", silent, Group.DEVICES, "The card is heard by nobody")
    if sound.model == "ac97":
        props = {"audiodev": "audio0"}
        return [backend, _device("AC97", id, Slot.ROOT, "sound", props, fixed=fixed)]
    codec = {"bus": f"{id}.0", "cad": 0, "audiodev": "audio0"}
    return [
        backend,
        _device("ich9-intel-hda", id, Slot.ROOT, "sound", fixed=fixed),
        _device("hda-duplex", f"{id}-codec", Slot.ELSEWHERE, "sound", codec),
    ]


def _balloon(given: Given) -> list[Device]:
    if not _has_balloon(given):
        return []
    props = {"free-page-reporting": _reports_free_pages(given)}
    driver, slot = virtio_driver(given, "balloon"), virtio_slot(given)
    return [_device(driver, "balloon0", slot, "autoattachMemBalloon", props)]


def _has_balloon(given: Given) -> bool:
    return given.devices.autoattach_mem_balloon is not False


def _reports_free_pages(given: Given) -> bool:
    """Not for VMs whose latency counts: giving pages back and faulting them in again takes time."""
    cpu = given.cpu
    fast = cpu.dedicated_cpu_placement or cpu.isolate_emulator_thread or cpu.realtime is not None
    return not fast and given.annotations.get(NO_REPORTING) != "true"


def _device(
    driver: str,
    id: str,
    slot: Slot,
    name: str,
    props: Mapping[str, Any] | None = None,
    fixed: Place | None = None,
) -> Device:
    field = f"spec.domain.devices.{name}"
    return Device(
        driver=driver,
        id=id,
        slot=slot,
        props=props or {},
        fixed=fixed,
        field=field,
        group=Group.DEVICES,
        why=field,
    )
