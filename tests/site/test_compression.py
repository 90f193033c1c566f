from __future__ import annotations

import gzip
import json

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from issmp_site.compression import LONG, ONE_PACKET, CompressionMiddleware


def processed(response: HttpResponseBase, accepted: str = "br, gzip") -> HttpResponseBase:
    request = RequestFactory().get("/", headers={"accept-encoding": accepted})
    return CompressionMiddleware(lambda _: response).process_response(request, response)


def sent(response: HttpResponseBase) -> str:
    return str(processed(response).headers.get("Content-Encoding", ""))


def test_a_receipt_goes_out_as_it_is_and_a_page_compressed() -> None:
    assert sent(HttpResponse("a" * (ONE_PACKET - 1))) == ""
    assert sent(HttpResponse("a" * ONE_PACKET)) == "gzip"
    assert sent(StreamingHttpResponse(["a"])) == "gzip"


def test_a_long_reply_is_packed_whole_and_its_length_tells_nothing() -> None:
    text = json.dumps(list(range(LONG // 4))).encode()
    lengths = set()
    for _ in range(20):
        reply = processed(HttpResponse(text))
        assert isinstance(reply, HttpResponse)
        assert reply.headers["Content-Encoding"] == "gzip"
        assert reply.headers["Vary"] == "Accept-Encoding"
        assert int(reply.headers["Content-Length"]) == len(reply.content) < len(text) / 2
        assert gzip.decompress(reply.content) == text
        lengths.add(len(reply.content))
    assert len(lengths) > 1


def test_whoever_cannot_unpack_gets_a_long_reply_as_it_is() -> None:
    text = b"a" * LONG
    reply = processed(HttpResponse(text), "identity")
    assert isinstance(reply, HttpResponse)
    assert reply.content == text
    assert "Content-Encoding" not in reply.headers
    assert reply.headers["Vary"] == "Accept-Encoding"


def test_what_is_packed_already_is_left_alone() -> None:
    reply = processed(HttpResponse(b"a" * LONG, headers={"Content-Encoding": "br"}))
    assert isinstance(reply, HttpResponse)
    assert reply.content == b"a" * LONG
    assert reply.headers["Content-Encoding"] == "br"
