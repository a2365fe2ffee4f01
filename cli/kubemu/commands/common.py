"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from ..say import Output

Name = Annotated[str, typer.Argument(metavar="NAME", help="The VM: NAME or NAMESPACE/NAME.")]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAME", help="Namespace of the VM (default).")
]
OutputOption = Annotated[
    Output, typer.Option("--output", "-o", help="Form of the result: for people or for programs.")
]
File = Annotated[str, typer.Argument(metavar="FILE", help="Manifest, '-' for standard input.")]
