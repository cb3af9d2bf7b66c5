"""Images as tarballs, of as little as machines that sleep need."""

from __future__ import annotations

from pathlib import Path

from tests.host.hives import call

LEFT_OUT = (
    "opt/*",
    "usr/share/*",
    "usr/lib/git-core",
    "usr/lib/python*",
    "usr/lib/*/perl*",
    "usr/lib/*/*.a",
    "var/lib/*",
)


def small_copy(image: Path, copy: Path) -> Path:
    """A copy of what sleeping takes of an image."""
    copy.mkdir()
    left_out = " ".join(f"--exclude='./{path}'" for path in LEFT_OUT)
    call("sh", "-ec", f"tar -C {image} {left_out} -cf - . | tar -C {copy} -xpf -")
    return copy


def packed(tree: Path, tarball: Path, *options: str) -> Path:
    """The tarball of the tree, put in its place in one step."""
    new = tarball.with_name(f"new-{tarball.name}")
    words = ("tar", "--use-compress-program=gzip -1", "--numeric-owner", *options)
    call(*words, "-C", str(tree), "-cpf", str(new), ".")
    return new.replace(tarball)
