"""The runner `claude`: against recorded streams, and against the real CLI with a stand-in of the provider's API."""
