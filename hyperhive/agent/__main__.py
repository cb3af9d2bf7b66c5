"""`python -m hyperhive.agent` is `hive-agent`."""

from hyperhive.agent.main import main

main()
