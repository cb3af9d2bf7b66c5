"""The words of the hive: what travels over its sockets, as immutable types, and how they become lines."""
