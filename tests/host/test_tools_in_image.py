"""The tool server inside the agents' image, made from the wheels that were gathered for the image's own Python."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "0"}},
}


def test_the_tool_server_answers_by_the_images_own_python(agent_image: Path) -> None:
    server = ["chroot", str(agent_image), "/usr/bin/env", "-i", "HIVE_SOCKET=/run/hive/mcp.sock"]
    done = subprocess.run(
        [*server, "/opt/hyperhive/bin/hive-agent", "mcp"],
        input=json.dumps(HELLO).encode() + b"\n",
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"no daemon listens at /run/hive/mcp.sock" in done.stderr
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "hive"
