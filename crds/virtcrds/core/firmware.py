"""Firmware: BIOS or UEFI, SMBIOS identity, direct kernel boot, ACPI tables."""

from pydantic import Field

from ..base import Model, Rule


class BIOS(Model):
    """SeaBIOS."""

    use_serial: bool | None = Field(
        default=None, description="Show the BIOS on the serial console too."
    )


class EFI(Model):
    """UEFI (OVMF)."""

    secure_boot: bool | None = Field(
        default=None,
        description="Boot only what is signed; true when unset, and needs features.smm.",
    )
    persistent: bool | None = Field(
        default=None, description="Keep the UEFI variables when the VM is restarted."
    )


class Bootloader(Model):
    """Which firmware boots the guest."""

    cel_rules = (
        Rule(
            rule="!(has(self.bios) && has(self.efi))",
            message="has both EFI and BIOS configured, but they are mutually exclusive.",
        ),
    )

    bios: BIOS | None = Field(default=None, description="Boot with a BIOS, the default on amd64.")
    efi: EFI | None = Field(default=None, description="Boot with UEFI.")


class KernelBootContainer(Model):
    """An image that holds a kernel."""

    image: str = Field(description="Container image with kernel and initrd.")
    image_pull_secret: str = Field(default="", description="Secret with the registry's login.")
    image_pull_policy: str = Field(default="", description="Always, Never or IfNotPresent.")
    kernel_path: str = Field(default="", description="Path of the kernel in the image.")
    initrd_path: str = Field(default="", description="Path of the initrd in the image.")


class KernelBoot(Model):
    """Start a kernel directly, without a boot loader."""

    kernel_args: str = Field(default="", description="Kernel command line.")
    container: KernelBootContainer | None = Field(
        default=None, description="Where kernel and initrd come from."
    )


class ACPITables(Model):
    """ACPI tables with a licence, from secret volumes."""

    slic_name_ref: str = Field(default="", description="Volume of a secret with a SLIC table.")
    msdm_name_ref: str = Field(default="", description="Volume of a secret with an MSDM table.")


class Firmware(Model):
    """What runs before the guest's system, and what it tells about the machine."""

    uuid: str = Field(default="", description="SMBIOS system UUID; random when empty.")
    bootloader: Bootloader | None = Field(default=None, description="BIOS or UEFI.")
    serial: str = Field(default="", description="SMBIOS system serial number.")
    kernel_boot: KernelBoot | None = Field(
        default=None, description="Start a kernel directly, without a boot loader."
    )
    acpi: ACPITables | None = Field(default=None, description="ACPI tables with a licence.")


class Machine(Model):
    """The virtual mainboard."""

    type: str = Field(default="", description="Machine type of QEMU, e.g. q35 or pc-q35-7.2.")


class Chassis(Model):
    """SMBIOS description of the case."""

    manufacturer: str = Field(default="", description="Who made it.")
    version: str = Field(default="", description="Version.")
    serial: str = Field(default="", description="Serial number.")
    asset: str = Field(default="", description="Asset tag.")
    sku: str = Field(default="", description="SKU number.")
