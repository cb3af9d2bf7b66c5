"""The runner `claude`: Anthropic's CLI, kept alive, with JSON lines in both directions."""
