"""Confidential computing: memory that the host cannot read."""

from pydantic import Field

from ..base import Empty, Model


class SEVPolicy(Model):
    """What AMD SEV's guest policy demands."""

    encrypted_state: bool | None = Field(
        default=None, description="Encrypt the CPU registers too (SEV-ES)."
    )


class SEV(Model):
    """AMD Secure Encrypted Virtualization."""

    policy: SEVPolicy | None = Field(default=None, description="The guest policy.")
    attestation: Empty | None = Field(
        default=None, description="Stop before the first instruction until the guest is attested."
    )
    session: str = Field(default="", repr=False, description="Launch session blob, base64.")
    dh_cert: str = Field(
        default="", repr=False, description="Guest owner's Diffie-Hellman key, base64."
    )


class SNP(Model):
    """AMD SEV-SNP."""

    policy: str = Field(default="", description="Guest policy flags.")
    vcek: str = Field(default="", repr=False, description="Versioned chip endorsement key.")
    author_key: str = Field(default="", repr=False, description="Author key.")
    kernel_hashes: str = Field(default="", description="Hashes of kernel, initrd and arguments.")
    cbitpos: str = Field(default="", description="Position of the C bit in a page table entry.")
    id_block: str = Field(default="", description="ID block.")
    id_auth: str = Field(default="", repr=False, description="ID authentication block.")
    reduced_phys_bits: str = Field(
        default="", description="Bits by which the physical address space shrinks."
    )


class LaunchSecurity(Model):
    """Which confidential technology protects the guest; one at most."""

    sev: SEV | None = Field(default=None, description="AMD SEV or SEV-ES.")
    snp: SNP | None = Field(default=None, description="AMD SEV-SNP.")
    tdx: Empty | None = Field(default=None, description="Intel TDX.")
