"""`hive-agent mcp`: the hive as tools for a coding agent, over standard input and output."""
