"""Services of others as tests know them: a real server that gives recorded answers."""

import asyncio
from contextlib import asynccontextmanager


@asynccontextmanager
async def service(*answers):
    """A real server that gives each of `answers` in turn: (status, body, headers), or None to say nothing.

    Yields its URL and requests.
    """
    requests, given = [], iter(answers)

    async def serve(reader, writer):
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        following = next(given)
        if following is not None:
            status, body, *headers = following
            header = "".join(f"{one}\r\n" for one in headers)
            writer.write(
                f"HTTP/1.1 {status} X\r\n{header}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
