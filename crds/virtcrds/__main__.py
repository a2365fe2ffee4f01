"""`python -m virtcrds [--check] [DIR]`: writes what is made of models, or says what is outdated.

The CRD manifests into DIR, and beside the code the shapes of views.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from .catalog import RESOURCES
from .manifest.crd import crd
from .manifest.yamltext import yaml_text
from .view.reading import SHAPES
from .view.writing import shapes_text

HEAD = "# Made from the models by `python -m virtcrds`; edits are lost.\n"
DEFAULT_FOLDER = pathlib.Path(__file__).resolve().parents[1] / "manifests"


def manifests() -> dict[str, str]:
    """All manifests, as text by file name."""
    return {
        f"{resource.plural}.{resource.group}.yaml": HEAD + yaml_text(crd(resource))
        for resource in RESOURCES
    }


def outdated(folder: pathlib.Path, wanted: dict[str, str]) -> list[str]:
    """Names of the files in `folder` that are missing, different, or of a kind that is gone.

    Files that were not made here are nobody's business.
    """
    paths = {*folder.glob("*.yaml"), *(folder / name for name in wanted)}
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths if path.is_file()}
    found = {name: text for name, text in texts.items() if name in wanted or HEAD in text}
    return sorted(name for name in wanted | found if wanted.get(name) != found.get(name))


def write(folder: pathlib.Path, wanted: dict[str, str]) -> list[str]:
    """Brings `folder` up to date; returns the names of the files that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = outdated(folder, wanted)
    for name in changed:
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m virtcrds", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; 1 if outdated")
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=DEFAULT_FOLDER)
    options = parser.parse_args(arguments)
    look = outdated if options.check else write
    changed = [
        folder / name
        for folder, wanted in (
            (options.folder, manifests()),
            (SHAPES.parent, {SHAPES.name: shapes_text()}),
        )
        for name in look(folder, wanted)
    ]
    for path in changed:
        print(path)
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
