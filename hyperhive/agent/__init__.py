"""The program inside an agent's container: it gives the agent's mail to a command, and speaks for shell scripts."""
