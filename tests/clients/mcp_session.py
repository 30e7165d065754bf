"""An MCP client for the tests, run by the Python of examples/mcp: lines of JSON, a call in and its result out.

Usage: mcp_session.py URL [TOKEN] for a server over HTTP, or mcp_session.py --stdio SERVER for one that it starts.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport


async def main(where: str, *rest: str) -> None:
    if where == "--stdio":
        transport = StdioTransport(sys.executable, [*rest], env=dict(os.environ))
    else:
        headers = {"Authorization": f"Bearer {rest[0]}"} if rest else {}
        transport = StreamableHttpTransport(where, headers=headers)
    async with Client(transport, timeout=120) as client:
        tools = [
            {
                "name": tool.name,
                "description": tool.description,
                "parameters": sorted(tool.input_schema["properties"]),
                "reads": tool.annotations.read_only_hint,
                "deletes": tool.annotations.destructive_hint,
            }
            for tool in await client.list_tools()
        ]
        print(json.dumps(tools), flush=True)
        for line in sys.stdin:
            name, arguments = json.loads(line)
            result = await client.call_tool(name, arguments, raise_on_error=False)
            text = "".join(block.text for block in result.content)
            print(json.dumps({"failed": result.is_error, "text": text, "body": result.structured_content}), flush=True)


asyncio.run(main(*sys.argv[1:]))
