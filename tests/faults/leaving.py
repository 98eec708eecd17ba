"""Callers who vanish: raw connections cut in the head, in the body, or right after it."""

import asyncio
import json
import random
import socket
import struct
from enum import Enum
from urllib.parse import urlsplit

from tests.faults.writers import PATH, Intent

# Closing with this discards what is unsent and resets the connection.
RESET = struct.pack("ii", 1, 0)
HEAD_WAIT_S = 0.005
ANSWER_WAIT_S = 0.04


class Moment(Enum):
    HEAD = "in the head"
    BODY = "in the body"
    SENT = "after the body"


async def leave(url: str, token: str, intent: Intent, chance: random.Random) -> Moment:
    """Begin to send an intent and vanish at a moment of chance, by a close or by a reset."""
    head, body = _request(token, intent)
    # Where something may have happened is tried more often than where nothing can.
    moment = chance.choice([Moment.HEAD, Moment.BODY, Moment.SENT, Moment.SENT])
    cut, wait_s = {
        Moment.HEAD: (chance.randrange(1, len(head)), HEAD_WAIT_S),
        Moment.BODY: (len(head) + chance.randrange(len(body)), HEAD_WAIT_S),
        Moment.SENT: (len(head) + len(body), ANSWER_WAIT_S),
    }[moment]
    is_reset, wait_s = chance.random() < 0.5, chance.uniform(0, wait_s)
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write((head + body)[:cut])
    await writer.drain()
    await asyncio.sleep(wait_s)
    if is_reset:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
    return moment


def _request(token: str, intent: Intent) -> tuple[bytes, bytes]:
    body = json.dumps(intent.body).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: lx\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nIdempotency-Key: {intent.key}\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    return head.encode(), body
