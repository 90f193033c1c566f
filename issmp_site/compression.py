from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

ONE_PACKET = 1_000  # bytes of content, beside the headers


class CompressionMiddleware(GZipMiddleware):
    """What goes out in one packet anyway is no sooner there for being shorter: a receipt, above
    all."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if isinstance(response, HttpResponse) and len(response.content) < ONE_PACKET:
            return response
        return super().process_response(request, response)
