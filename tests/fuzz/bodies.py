"""Bodies made to hurt: bombs, crowds, depths, absurd lengths and wrong bytes, small or as large as a cap lets through."""

# ruff: noqa: E501 - a body is easier to read on one line

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping

MIB = 1024 * 1024
_HEAD = '<?xml version="1.0"?>'
_LAUGHS = "".join(
    f'<!ENTITY {name} "{f"&{of};" * 10}">' for name, of in zip("bcdefghi", "abcdefgh", strict=True)
)

BOMBS: Mapping[str, str] = {
    "billion laughs": f'{_HEAD}<!DOCTYPE l [<!ENTITY a "ha">{_LAUGHS}]><rss><channel><item><title>&i;</title></item></channel></rss>',
    "quadratic blow-up": f'{_HEAD}<!DOCTYPE l [<!ENTITY a "{"a" * 50_000}">]><rss><channel><item><title>{"&a;" * 50_000}</title></item></channel></rss>',
    "external entity": f'{_HEAD}<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&a;</title></item></channel></rss>',
    "external address": f'{_HEAD}<!DOCTYPE l [<!ENTITY a SYSTEM "http://127.0.0.1:1/">]><feed><entry><title>&a;</title></entry></feed>',
    "parameter entity": f'{_HEAD}<!DOCTYPE l [<!ENTITY % a SYSTEM "http://127.0.0.1:1/"> %a;]><rss><channel/></rss>',
    "attribute default": f'{_HEAD}<!DOCTYPE l [<!ENTITY a "ha"><!ATTLIST item x CDATA "{"&a;" * 9}">]><rss><channel><item/></channel></rss>',
}  # fmt: skip

SMALL: Mapping[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "a line": b"\n",
    "a NUL": b"\x00",
    "many NULs": b"\x00" * 4_000,
    "NULs between": b'{"page": {}, "incidents": [{"id": "a\x00b", "name": "\x00"}]}',
    "marks alone": b"\xff\xfe",
    "half a UTF-16 letter": b"\xfe\xff\xd8",
    "UTF-32 mark": b"\xff\xfe\x00\x00" + "[]".encode("utf-32-le"),
    "text before": b"ok\n[]",
    "an object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "a text": b'"x"',
    "a list of lists": b"[[]]",
    "a list of nulls": b"[null, null]",
    "a list of everything": b'[null, true, 1, -1.5e300, "x", [], {}, [{}], {"id": []}]',
    "not a number": b'[NaN, Infinity, -Infinity, 1e400, -1e400]',
    "5,000 digits": b"[" + b"9" * 5_000 + b"]",
    "4,200 digits": b'[{"id": ' + b"9" * 4_200 + b', "date": ' + b"9" * 4_200 + b"}]",
    "lone surrogates": b'[{"id": "\\ud800", "title": "\\udfff\\ud800"}]',
    "surrogate bytes": b'[{"id": "\xed\xa0\x80"}]',
    "keys twice": b'{"incidents": [], "incidents": {}, "page": 1, "page": {}, "data": [], "data": null}',
    "an empty key": b'{"": {"": [{"": ""}]}}',
    "JSON lines": b"{}\n{}\n",
    "an open JSONP": b"callback(",
    "JSONP of nothing": b"callback();",
    "brackets": b"[" * 15_000,
    "braces": b'{"a":' * 3_000,
    "deep and closed": b"[" * 900 + b"]" * 900,
    "a tag's beginning": b"<",
    "a root's beginning": b"<rss",
    "a root": b"<feed/>",
    "two roots": b"<rss/><feed/>",
    "another root": b"<foo/>",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "deep XML": b"<rss>" + b"<a>" * 5_000,
    "deep and closed XML": b"<rss>" + b"<a>" * 2_000 + b"</a>" * 2_000 + b"</rss>",
    "many name spaces": b"<rss " + b" ".join(b'xmlns:a%d="u%d"' % (n, n) for n in range(500)) + b"/>",
    "many attributes": b"<rss><channel><item " + b" ".join(b'a%d="x"' % n for n in range(1_000)) + b"/></channel></rss>",
    "an undeclared prefix": b"<rss><channel><x:item><x:title>a</x:title></x:item></channel></rss>",
    "a wrong declaration": b'<?xml version="1.0" encoding="utf-16"?><rss><channel/></rss>',
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><rss><channel><item><title>\xff</title></item></channel></rss>',
    "a slow encoding": b'<?xml version="1.0" encoding="punycode"?><rss><channel><item/></channel></rss>',
    "gzip": gzip.compress(b'{"page": {}, "incidents": []}', mtime=0),
    "deflate": zlib.compress(b"<rss><channel/></rss>"),
    "half a gzip": b"\x1f\x8b\x08\x00",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "Markdown": b"---\ntitle: {{ x }}\n---\n" + b"# a\n" * 100,
    "an endless front matter": b"---\n" + b"a: b\n" * 2_000,
}  # fmt: skip


def _filled(head: bytes, piece: bytes, tail: bytes, size: int) -> bytes:
    return head + piece * ((size - len(head) - len(tail)) // len(piece)) + tail


def large(size: int = 8 * MIB) -> Mapping[str, bytes]:
    """Bodies of about `size` bytes, by what they are."""
    item, end = b"<rss><channel><item>", b"</item></channel></rss>"
    page = b'{"page":{},"incidents":[{"id":"a","incident_updates":['
    pieces = {
        "blanks": (b"", b" ", b"1)"),
        "blanks before a call": (b"", b" ", b"f([])"),
        "blanks in a call": (b"f", b" ", b"([])"),
        "empty objects": (b"[", b"{},", b"{}]"),
        "empty lists": (b"[", b"[],", b"[]]"),
        "numbers": (b"[", b"0,", b"0]"),
        "infinities": (b"[", b"1e400,", b"0]"),
        "short texts": (b"[", b'"a",', b'"a"]'),
        "a long number": (b"[", b"1", b"]"),
        "a long text": (b'[{"id":"a","title":"', b"x", b'"}]'),
        "a long escaped text": (b'[{"id":"a","title":"', b"\\u003c", b'"}]'),
        "updates": (page, b"{},", b"{}]}]}"),
        "incidents": (b'{"page":{},"incidents":[', b'{"id":1},', b"{}]}"),
        "brackets": (b"", b"[", b""),
        "objects in objects": (b"", b'{"a":', b""),
        "items": (b"<rss><channel>", b"<item/>", b"</channel></rss>"),
        "items not well formed": (b"<rss><channel>&", b"<item><title>a</title></item>", b"</channel></rss>"),
        "entries without end": (b"<feed>&", b"<entry>", b"</feed>"),
        "a long title": (item + b"<title>", b"x", b"</title>" + end),
        "a long title not well formed": (item + b"&<title>", b"x", b"</title>" + end),
        "entities": (item + b"&<title>", b"&amp;", b"</title>" + end),
        "ampersands": (item + b"<title>", b"&", b"</title>" + end),
        "angles": (item + b"<title>", b"<", b"</title>" + end),
        "tags without end": (item + b"<title>", b"<a ", b"</title>" + end),
        "comments without end": (item + b"<title>", b"<!--", b"</title>" + end),
        "sections without end": (item + b"<title>", b"<![CDATA[", b"</title>" + end),
        "attributes": (b"<rss><channel>&<item ", b"a=b ", b"/></channel></rss>"),
        "categories": (item, b"<category>x</category>", end),
        "escaped markup": (item + b"<description>", b"&lt;p&gt;&lt;small&gt;a", b"</description>" + end),
        "deep XML": (b"<rss>", b"<a>", b""),
        "deep XML not well formed": (b"<rss>&<item>", b"<a>", b""),
        "a web page": (b"<html>", b"<p>x", b"</html>"),
        "a document of another kind": (b"<svg>", b"<p>x</p>", b"</svg>"),
        "NULs": (b"", b"\x00", b""),
        "all bytes": (b"", bytes(range(256)), b""),
        "gzip": (b"\x1f\x8b\x08\x00", b"\x00\x01", b""),
        "headings": (b"---\ntitle: a\n---\n", b"# a\n\n", b""),
        "front matter": (b"---\n", b"a: b\n", b"---\n"),
        "rules": (b"", b"---\n", b""),
    }  # fmt: skip
    named = {what: _filled(*parts, size) for what, parts in pieces.items()}
    return named | {"many keys": b"{" + b",".join(b'"%d":0' % n for n in range(size // 11)) + b"}"}


ERROR_PAGES: Mapping[str, str] = {
    "nginx": "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>",
    "doctype": "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript</noscript></body></html>",
    "old doctype": '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN"><html><head><title>503</title></head><body>Service Unavailable</body></html>',
    "XHTML": '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "x.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>',
    "a comment first": "<!-- cached -->\n<html><body>Sign in to the hotel's network</body></html>",
    "blank lines first": "\ufeff\n\n  <HTML><BODY>Access denied</BODY></HTML>",
    "with JSON inside": '<!doctype html><script type="application/json">{"page": {}, "incidents": []}</script>',
    "with a feed's link": '<html><head><link rel="alternate" type="application/rss+xml" href="/feed"></head><body><article><item>x</item></article></body></html>',
    "plain words": "upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    "an API's error": '{"message": "API rate limit exceeded", "documentation_url": "https://x.example"}',
    "a code": '{"error": {"code": 503, "message": "The service is unavailable", "status": "UNAVAILABLE"}}',
    "S3": '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>1</RequestId></Error>',
    "SOAP": '<s:Envelope xmlns:s="http://x.example/soap"><s:Body><s:Fault><faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>',
}  # fmt: skip

CONTENT_TYPES = (
    *("text/html; charset=utf-8", "image/png", "application/octet-stream", "application/json; charset=utf-16", ";;;"),
    *("text/plain; charset=hex", "x; charset=zlib", "x; charset=idna", "x; charset=punycode", "x; charset=unicode_escape"),
    *("x; charset=utf-7", "x; charset='", "x; charset=" + "a" * 5_000, "x; charset=utf-8; charset=utf-16", "x; charset=\x00"),
    *("x; charset=cp037", "x; charset=undefined", "x; charset=mbcs", "x; charset=iso2022_jp", "x; charset=é", "charset=big5"),
)  # fmt: skip
