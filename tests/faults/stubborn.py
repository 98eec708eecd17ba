"""HTTP as a careful client speaks it: no answer at all is asked for again, like a 503."""

import httpx


class Stubborn(httpx.AsyncBaseTransport):
    """Tells a broken connection as 503 with Retry-After, so that the same key is sent again."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.broken = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = await self._inner.handle_async_request(request)
            # An answer that breaks off in its body is none, either.
            await answer.aread()
            return answer
        except httpx.TransportError:
            self.broken += 1
            return httpx.Response(503, headers={"retry-after": "1"}, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def open_http(base_url: str, *, seconds: float = 10.0) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, transport=Stubborn(), timeout=seconds)
