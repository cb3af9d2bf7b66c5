"""What an image says about itself, in a file inside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from hyperhive.errors import HiveError

RECORD: Final = Path("etc", "hyperhive-image.json")
"""Where the record is, below the root of an image."""


class ImageError(HiveError):
    """An image can't be made, read or put in its place."""


@frozen(kw_only=True)
class ImageRecord:
    """What an image was built from: `hyperhive` and `python` are versions, `built_at` is a unix time.

    `packages` are the packages of the distribution that were asked for, each with its version.
    """

    hyperhive: str
    python: str
    suite: str
    built_at: int
    packages: dict[str, str]

    def write(self, tree: Path) -> None:
        """Put the record into an image; every field by its name, as a JSON object."""
        (tree / RECORD).write_text(json.dumps(attrs.asdict(self), indent=2) + "\n")
        (tree / RECORD).chmod(0o644)

    @classmethod
    def read(cls, tree: Path) -> ImageRecord:
        """The record of the image at `tree`. Raises ImageError if there is none, or none that can be understood."""
        try:
            # A link would lead out of the image.
            with os.fdopen(os.open(tree / RECORD, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)) as file:
                return cls._understood(json.load(file))
        except PermissionError:
            raise ImageError(f"{tree} is not open to you; try as root") from None
        except (FileNotFoundError, NotADirectoryError):
            raise ImageError(_no_image(tree)) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ImageError(f"{tree / RECORD} can't be read: {error}; build the image again") from error

    @classmethod
    def _understood(cls, found: Any) -> ImageRecord:
        # Fields that a later version adds are none of ours.
        values = {field.name: found[field.name] for field in attrs.fields(cls)}
        kinds = {"built_at": int, "packages": dict}
        for name, value in values.items():
            if not isinstance(value, kinds.get(name, str)):
                raise TypeError(f"{name} is {value!r}")
        return cls(**values)


def is_image(tree: Path) -> bool:
    """Whether a finished image is there: its record is the last thing that is written."""
    return os.path.lexists(tree / RECORD)


def _no_image(tree: Path) -> str:
    if not tree.exists():
        return f"there is no {tree}; hivectl image build makes an image"
    if not tree.is_dir():
        return f"{tree} is a file: what is in a tarball and from where, only who made it knows"
    return f"{tree} is no image that hivectl built: it has no {RECORD}; hivectl image build makes one"
