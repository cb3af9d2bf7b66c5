"""What hyperhive costs, measured against other durable queues on the same disk: `python -m benchmarks`."""
