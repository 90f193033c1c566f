from __future__ import annotations

import gzip
import secrets
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware, re_accepts_gzip
from django.utils.cache import patch_vary_headers

ONE_PACKET: Final = 1_000  # bytes of content, beside the headers
LONG: Final = 100_000  # bytes of content
# Half the processor time of Django's level, for a twentieth more on the wire: 3 ms instead of 6
# for the form of an exam, which everybody who starts asks for.
FAST: Final = 4
_NAMED: Final = 0x08  # the flag of a gzip header that holds a file's name


class CompressionMiddleware(GZipMiddleware):
    """What goes out in one packet anyway is no sooner there for being shorter: a receipt, above
    all. And what is long is compressed quickly rather than well."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if isinstance(response, HttpResponse):
            if len(response.content) < ONE_PACKET:
                return response
            if len(response.content) >= LONG and not response.has_header("Content-Encoding"):
                patch_vary_headers(response, ("Accept-Encoding",))
                if re_accepts_gzip.search(request.META.get("HTTP_ACCEPT_ENCODING", "")):
                    response.content = self._quickly(response.content)
                    response.headers["Content-Length"] = str(len(response.content))
                    response.headers["Content-Encoding"] = "gzip"
                return response
        return super().process_response(request, response)

    def _quickly(self, content: bytes) -> bytes:
        """With a name of random length in the header, as Django has it: a length that differs from
        one reply to the next tells nobody what was in it (BREACH)."""
        packed = gzip.compress(content, compresslevel=FAST, mtime=0)
        name = b"a" * secrets.randbelow(self.max_random_bytes) + b"\0"
        return packed[:3] + bytes([packed[3] | _NAMED]) + packed[4:10] + name + packed[10:]
