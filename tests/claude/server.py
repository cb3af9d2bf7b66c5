"""A tiny MCP server on standard input and output, with one tool: `shout` says its text in capital letters."""

import json
import sys
from pathlib import Path
from typing import Final

COMMAND: Final = [sys.executable, "-I", "-S", str(Path(__file__))]
"""How it is started."""
TOOL = {
    "name": "shout",
    "description": "Say it louder.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
}


def main() -> None:
    """Answer until the end of the input."""
    for line in sys.stdin:
        asked = json.loads(line)
        match asked:
            case {"method": "initialize", "params": {"protocolVersion": version}}:
                info = {"name": "shouting", "version": "1"}
                answer = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            case {"method": "tools/list"}:
                answer = {"tools": [TOOL]}
            case {"method": "tools/call", "params": {"arguments": {"text": text}}}:
                answer = {"content": [{"type": "text", "text": text.upper()}]}
            case _:
                answer = {}
        if "id" in asked:
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), flush=True)


if __name__ == "__main__":
    main()
