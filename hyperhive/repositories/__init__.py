"""The agents' configurations as commits: what agents propose, which is data here, and what was applied."""
