"""`python -m manual` (`make man`): write every man page to where the package has it."""

from __future__ import annotations

from manual.pages import PLACE, pages


def main() -> None:
    """Write them."""
    for name, text in pages().items():
        (PLACE / name).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main()
