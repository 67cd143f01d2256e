"""Where a stand-in for a provider says that its pictures are, and what lies there."""

from __future__ import annotations

from io import BytesIO

from aiohttp import web
from PIL import Image

SERVED = {"expired", "html", "large", "redirected"}
"""Directives about what lies at an address; `inside` and `named` are about the address."""


class Files:
    """Pictures below `/files` on 127.0.0.1; on 127.0.0.2, the inside, none may be had."""

    def __init__(self, app: web.Application) -> None:
        self.hits_inside = 0
        """Requests at the address that no picture may be fetched from."""
        self._outside = ""
        self._inside = ""
        app.router.add_get("/files/{id}/{what}", self._file)

    async def serve(self, runner: web.AppRunner) -> str:
        """Start on free ports; returns the base address of the outside."""
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await web.TCPSite(runner, "127.0.0.2", 0).start()
        outside, inside = (address[1] for address in runner.addresses)
        self._outside = f"http://127.0.0.1:{outside}"
        self._inside = f"http://127.0.0.2:{inside}"
        return self._outside

    def addresses(self, name: str, directive: str, count: int) -> list[str]:
        """Where that many pictures are, or what a directive says in their place."""
        if directive == "inside":
            return [f"{self._inside}/files/{name}/0-{one}.png" for one in range(count)]
        if directive == "named":
            return ["http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"]
        what = directive if directive in SERVED else "picture"
        return [f"{self._outside}/files/{name}/{what}-{one}.png" for one in range(count)]

    async def _file(self, request: web.Request) -> web.StreamResponse:
        assert "Authorization" not in request.headers, "the key must not travel"
        assert request.transport is not None
        if request.transport.get_extra_info("sockname")[0] == "127.0.0.2":
            self.hits_inside += 1
        match request.match_info["what"].partition("-")[0]:
            case "expired":
                return web.Response(status=404, text="gone")
            case "html":
                return web.Response(text="<html></html>", content_type="image/png")
            case "large":
                return web.Response(body=b"\x89PNG\r\n\x1a\n" + b"x" * 2_000_000)
            case "redirected":
                raise web.HTTPFound(f"{self._inside}/files/x/0-0.png")
        return web.Response(body=picture(), content_type="image/png")


def picture(side: int = 64) -> bytes:
    """A small square PNG."""
    out = BytesIO()
    Image.new("RGB", (side, side), (40, 90, 160)).save(out, "PNG")
    return out.getvalue()
