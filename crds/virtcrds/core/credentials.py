"""SSH keys and passwords that are put into the guest."""

from pydantic import Field

from ..base import Empty, Model
from ..scalars import Items


class SecretName(Model):
    """A Secret in the VM's namespace."""

    secret_name: str = Field(description="Name of the Secret.")


class CredentialSource(Model):
    """Where credentials come from."""

    secret: SecretName | None = Field(default=None, description="A Secret.")


class GuestAgentUsers(Model):
    """Users of the guest that get the keys."""

    users: Items[str] = Field(
        description="Names of the users.", json_schema_extra={"x-kubernetes-list-type": "set"}
    )


class SSHPublicKeyPropagation(Model):
    """How SSH keys reach the guest; exactly one way."""

    config_drive: Empty | None = Field(
        default=None, description="By the metadata of the VM's ConfigDrive volume, at boot."
    )
    no_cloud: Empty | None = Field(
        default=None, description="By the metadata of the VM's NoCloud volume, at boot."
    )
    qemu_guest_agent: GuestAgentUsers | None = Field(
        default=None, description="By the guest agent, also while the VM runs."
    )


class SSHPublicKeyCredential(Model):
    """SSH keys for the guest."""

    source: CredentialSource = Field(description="Where the keys come from.")
    propagation_method: SSHPublicKeyPropagation = Field(description="How they reach the guest.")


class UserPasswordPropagation(Model):
    """How passwords reach the guest."""

    qemu_guest_agent: Empty | None = Field(
        default=None, description="By the guest agent, also while the VM runs."
    )


class UserPasswordCredential(Model):
    """Passwords for the guest: keys of the Secret are users, values their passwords."""

    source: CredentialSource = Field(description="Where the passwords come from.")
    propagation_method: UserPasswordPropagation = Field(description="How they reach the guest.")


class AccessCredential(Model):
    """One set of keys or passwords."""

    ssh_public_key: SSHPublicKeyCredential | None = Field(
        default=None, description="SSH keys for the guest."
    )
    user_password: UserPasswordCredential | None = Field(
        default=None, description="Passwords for the guest."
    )
