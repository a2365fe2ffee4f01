"""Claims become volumes: folders, devices, a folder for many, small file systems, larger ones."""

from __future__ import annotations

import re

import pytest

from tests.e2e.kube import Kube, Object, Refused
from tests.e2e.objects import FOREVER, a_claim, a_user_of

pytestmark = pytest.mark.cluster

LOOP = {"storageClassName": "loop"}


def test_a_claim_of_the_default_class_keeps_what_a_pod_wrote(kube: Kube, namespace: str) -> None:
    write = f"echo kept >/d/x; {FOREVER}"
    kube.apply(namespace, a_claim("c"), a_user_of(kube, {"c": "/d"}, "writer", write))
    kube.await_ready(namespace, "writer")
    kube.delete(namespace, "pod", "writer")
    kube.apply(namespace, a_user_of(kube, {"c": "/d"}, "reader", f"cat /d/x; {FOREVER}"))
    kube.await_ready(namespace, "reader")
    assert kube.await_log(namespace, "reader", "kept") == "kept\n"


def test_a_block_claim_is_a_device_of_its_size(kube: Kube, namespace: str) -> None:
    script = f"ls -l /dev/raw; dd if=/dev/raw of=/dev/null bs=1M 2>&1; echo done; {FOREVER}"
    kube.apply(
        namespace,
        a_claim("raw", **LOOP, volumeMode="Block"),
        a_user_of(kube, {"raw": "/dev/raw"}, "p", script, "node-b"),
    )
    kube.await_ready(namespace, "p")
    logs = kube.await_log(namespace, "p", "done")
    assert re.search(r"^b.* /dev/raw$", logs, re.M)
    assert "16+0 records in" in logs


def test_a_small_file_system_can_be_filled_to_the_brim(kube: Kube, namespace: str) -> None:
    fill = f"dd if=/dev/zero of=/full/x bs=1M 2>&1; echo done; {FOREVER}"
    kube.apply(namespace, a_claim("c", **LOOP), a_user_of(kube, {"c": "/full"}, "p", fill))
    kube.await_ready(namespace, "p")
    assert "No space left on device" in kube.await_log(namespace, "p", "done")


def test_a_shared_claim_is_one_folder_on_both_nodes(kube: Kube, namespace: str) -> None:
    wait = f"until cat /s/x; do sleep 1; done; {FOREVER}"
    write = f"echo ok >/s/x; {FOREVER}"
    kube.apply(
        namespace,
        a_claim("s", storageClassName="shared", accessModes=["ReadWriteMany"]),
        a_user_of(kube, {"s": "/s"}, "writer", write, "node-a"),
        a_user_of(kube, {"s": "/s"}, "reader", wait, "node-b"),
    )
    kube.await_ready(namespace, "writer", "reader")
    kube.await_log(namespace, "reader", "ok\n")


def larger(size: str) -> Object:
    return {"spec": {"resources": {"requests": {"storage": size}}}}


def test_a_device_grows_under_its_pod(kube: Kube, namespace: str) -> None:
    kube.apply(
        namespace,
        a_claim("raw", **LOOP, volumeMode="Block"),
        a_user_of(kube, {"raw": "/dev/raw"}, "p", FOREVER),
    )
    kube.await_ready(namespace, "p")
    kube.patch(namespace, "pvc", "raw", larger("32Mi"))
    kube.wait(namespace, "pvc", "raw", ".status.capacity.storage", "32Mi")
    read = ("/bin/sh", "-c", "dd if=/dev/raw of=/dev/null bs=1M 2>&1")
    assert "32+0 records in" in kube.execute(namespace, "p", *read)


def test_a_folder_that_asks_for_more_has_it(kube: Kube, namespace: str) -> None:
    kube.apply(namespace, a_claim("c"), a_user_of(kube, {"c": "/d"}, "p", FOREVER))
    kube.await_ready(namespace, "p")
    kube.patch(namespace, "pvc", "c", larger("64Mi"))
    kube.wait(namespace, "pvc", "c", ".status.capacity.storage", "64Mi")


def test_a_claim_of_a_class_that_cannot_grow_is_refused_more(kube: Kube, namespace: str) -> None:
    shared = {"storageClassName": "shared", "accessModes": ["ReadWriteMany"]}
    kube.apply(namespace, a_claim("c", **shared), a_user_of(kube, {"c": "/d"}, "p", FOREVER))
    kube.await_ready(namespace, "p")
    with pytest.raises(Refused, match="storageclass that provisions the pvc must support resize"):
        kube.patch(namespace, "pvc", "c", larger("32Mi"))
