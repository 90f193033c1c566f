from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from issmp_site.compression import ONE_PACKET, CompressionMiddleware


def sent(response: HttpResponseBase) -> str:
    request = RequestFactory().get("/", headers={"accept-encoding": "gzip"})
    middleware = CompressionMiddleware(lambda _: response)
    return str(middleware.process_response(request, response).headers.get("Content-Encoding", ""))


def test_a_receipt_goes_out_as_it_is_and_a_page_compressed() -> None:
    assert sent(HttpResponse("a" * (ONE_PACKET - 1))) == ""
    assert sent(HttpResponse("a" * ONE_PACKET)) == "gzip"
    assert sent(StreamingHttpResponse(["a"])) == "gzip"
