"""Bytes to text, JSON to values, HTML to plain text: the rough edge of every feed, made smooth once.

Nothing here knows a provider. Times are in `times`, provider words in `vocabulary`, the joining of observations in `assemble`.
Called by the parsers of this folder. Everything raises ParseError or nothing.
"""

from __future__ import annotations

import codecs
import hashlib
import html
import json
import re
from functools import lru_cache

from bot.domain.observation import TEXT_MAX_CHARS
from bot.errors import ParseError
from bot.sources.payload import Payload

TITLE_MAX_CHARS = 300
_NAME_MAX_CHARS = 100  # of what is remembered
ID_MAX_CHARS = 200
LINK_MAX_CHARS = 2_000  # Discord takes 2,048
OBJECTS_MAX = 100_000  # objects and lists in one body; the richest real one seen holds 8,000
VALUES_MAX = 500_000  # and values; the richest holds 21,000
HTML_MAX_CHARS = (
    64_000  # markup of one text; far more than TEXT_MAX_CHARS of words need, and it bounds the time
)

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
# Codecs that are no charset of a feed: slow on long input, or they read escapes as characters.
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7", "mbcs", "oem"}
)
_WEB_PAGE = re.compile(
    r"\s*(?:<\?[^>]*>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_LINK = re.compile(r"https?://[^\s<>\"/?#][^\s<>\"]*")
_JSONP = re.compile(r"\s*(?:/\*\*/\s*)?[A-Za-z_$][\w.$]{0,60}\s*\((.*)\)\s*;?\s*", re.DOTALL)


def decode(payload: Payload) -> str:
    """The body as text: by its byte order mark, the Content-Type, the XML declaration, else UTF-8 or Windows-1252."""
    body = payload.body
    for mark, codec in _BOMS:
        if body.startswith(mark):
            return body.decode(codec, errors="replace").removeprefix("\ufeff")
    guesses = (_by_nulls(body[:4]), _charset(payload), _declared(body), "utf-8")
    for guess in guesses:
        text = _decoded(body, guess)
        if text is not None:
            return text
    return body.decode("cp1252", errors="replace")


def load_json(payload: Payload) -> object:
    """The value in a JSON body; JSONP is unwrapped. Raises ParseError naming what came instead."""
    text = decode(payload)
    refuse_strangers(text, payload, due="JSON")
    if text.lstrip()[:1] == "<":
        raise ParseError(f"an XML document of {size(payload)} where JSON was due")
    _refuse_crowds(text, payload)
    wrapped = _JSONP.fullmatch(text) if text.rstrip().endswith((")", ");")) else None
    try:
        return json.loads(wrapped[1] if wrapped else text)
    except RecursionError as exc:
        raise ParseError("the JSON is nested too deeply") from exc
    except ValueError as exc:  # also integers of thousands of digits
        raise ParseError(
            f"the body of {size(payload)} is not valid JSON, perhaps cut: {str(exc)[:200]}"
        ) from exc


def refuse_strangers(text: str, payload: Payload, *, due: str) -> None:
    """Raises ParseError when the body is blank or a web page, which `due` (such as "JSON") is not."""
    if not text.strip("\x00\ufeff \t\r\n"):
        raise ParseError(f"an empty body where {due} was due")
    if _WEB_PAGE.match(text[:4000]):
        raise ParseError(f"an HTML page of {size(payload)} where {due} was due")


def _refuse_crowds(text: str, payload: Payload) -> None:
    """Each part costs microseconds and up to a hundred bytes: a body of nothing but "{}," would cost seconds."""
    if text.count("{") + text.count("[") > OBJECTS_MAX or text.count(",") > VALUES_MAX:
        raise ParseError(f"the JSON of {size(payload)} holds far more parts than any status page has")


def size(payload: Payload) -> str:
    """How large the body is, in words: "12 KB"."""
    count = len(payload.body)
    return f"{count} bytes" if count < 1024 else f"{count / 1024:.0f} KB"


def plain(value: object, *, max_chars: int = TEXT_MAX_CHARS) -> str:
    """Provider text as plain text: no markup, no control characters, tidy white space, cut with an ellipsis."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    text = value[:HTML_MAX_CHARS]
    if "<" in text:
        text = _without_markup(text)
    elif "&" in text:
        text = _unescaped(text)
    return clip(_tidy(text), max_chars)


def line(value: object, *, max_chars: int = TITLE_MAX_CHARS) -> str:
    """Provider text on one line: a title, a name."""
    if isinstance(value, str) and len(value) <= _NAME_MAX_CHARS:
        return clip(_name(value), max_chars)
    return clip(" ".join(plain(value).split()), max_chars)


@lru_cache(maxsize=4096)  # the names of components and regions come again and again; at worst some 4 MB
def _name(text: str) -> str:
    return " ".join(plain(text).split())


def clip(text: str, max_chars: int) -> str:
    """`text`, or its beginning and an ellipsis, in at most `max_chars`."""
    return text if len(text) <= max_chars else text[: max_chars - 1].rstrip() + "…"


def ident(value: object) -> str:
    """An id as the provider wrote it, without blanks around; one that is absurdly long keeps its head and gets a hash."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    text = str(value)
    if not text.isprintable():
        text = " ".join(_CONTROL.sub("", text).split())  # ids stand in lines, and in the names of places
    text = text.strip()
    if len(text) <= ID_MAX_CHARS:
        return text
    return f"{text[:100]}~{fingerprint(text)}"


def fingerprint(*parts: str) -> str:
    """A short stable hash of words."""
    joined = "\x1f".join(parts).encode("utf-8", errors="replace")
    return hashlib.sha256(joined).hexdigest()[:16]


def web_link(value: object) -> str | None:
    """An http(s) address with a host and without blanks, or None."""
    text = _CONTROL.sub("", value[: 2 * LINK_MAX_CHARS]).strip() if isinstance(value, str) else ""
    return text if len(text) <= LINK_MAX_CHARS and _LINK.fullmatch(text) else None


def _by_nulls(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: where the zero bytes of the first, surely ASCII, character are."""
    if len(head) < 4 or head.count(0) not in (2, 3):
        return None
    if head.count(0) == 3:
        return "utf-32-be" if head[3] else "utf-32-le"
    return "utf-16-be" if head[0] == 0 else "utf-16-le"


def _charset(payload: Payload) -> str | None:
    found = _CHARSET.search(payload.headers.get("content-type", ""))
    return found[1] if found else None


def _declared(body: bytes) -> str | None:
    found = _DECLARED.match(body[:400])
    return found[1].decode("ascii") if found else None


def _decoded(body: bytes, codec: str | None) -> str | None:
    if not codec:
        return None
    try:
        if codecs.lookup(codec).name.replace("_", "-") in _NO_CHARSETS:
            return None
        return body.decode(codec)
    except (LookupError, ValueError):
        return None


# Control characters, lone surrogates, marks that reverse the reading direction, and invisible blanks.
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BREAKS = re.compile("\r\n?|\u2028|\u2029")
_ODD_BLANKS = re.compile(r"[^\S\n ]")


def _tidy(text: str) -> str:
    """Without odd characters and needless white space.

    A regex reads every character at some 15 ns, `str` itself at well under one: only odd texts need the regexes.
    """
    if not text.replace("\n", "").isprintable():  # true of all that the three patterns look for
        text = _ODD_BLANKS.sub(" ", _CONTROL.sub("", _BREAKS.sub("\n", text)))
    text = _squeezed(text, "  ", " ").replace(" \n", "\n").replace("\n ", "\n")
    return _squeezed(text, "\n\n\n", "\n\n").strip()


def _squeezed(text: str, run: str, short: str) -> str:
    """Every `run` made shorter until there is none; each round takes a third of a long run away, at the least."""
    while run in text:
        text = text.replace(run, short)
    return text


def _tags(names: str) -> frozenset[str]:
    return frozenset(names.split())


_BLOCKS = _tags("p h1 h2 h3 h4 h5 h6 ul ol dl table blockquote pre hr section")
_LINES = _tags("br div tr dt dd header footer figure figcaption main aside nav")
_INLINE = _tags(
    "a abbr acronym address area article audio b base big body button canvas caption center cite code col colgroup data del"
    " details dfn em embed fieldset font form head html i iframe img input ins kbd label link map mark meta noscript object"
    " option param picture q s samp select small source span strike strong sub summary sup svg path tbody"
    " textarea tfoot thead time title tt u var video wbr"
)
_CELLS = _tags("td th")


# Linear on any input, unlike the standard library's HTML parser, which took 28 s for 64 KB of "<a ".
_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<mute>script|style)\b[^<>]*>.*?(?:</(?P=mute)\s*>|\Z)|<!\[CDATA\[|\]\]>|<[!?][^<>]*>"
    r"|<(?P<end>/?)(?P<name>[a-z][a-z0-9:-]*)(?P<rest>[^<>]*)>",
    re.IGNORECASE | re.DOTALL,
)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"']+))", re.IGNORECASE)


_ANY_TAG = re.compile(r"<([^<>]*)>")
_TAG_MAX_CHARS, _TAGS_MAX = 100, 1024  # of what is remembered


def _without_markup(text: str) -> str:
    """The words of a piece of HTML. A tag that HTML does not know is text: people write "<project-id>".

    Nearly all texts hold nothing but common tags, and are taken apart in one go; the others are read with care.
    """
    if "<!" not in text and "]]>" not in text:
        pieces = _ANY_TAG.split(text)  # words, tag, words, tag, words
        spaces = [_SPACES[tag] for tag in pieces[1::2]]
        if None not in spaces:
            words = map(_unescaped, pieces[::2]) if "&" in text else pieces[::2]
            pieces[::2], pieces[1::2] = words, spaces
            return "".join(pieces)
    return _read_with_care(text)


class _Spaces(dict[str, str | None]):
    """By what is between "<" and ">": what stands for a tag that is nothing but space, None for all others.

    It learns the tags that it meets, up to a bound; links, scripts and unknown tags are among the others.
    """

    def __missing__(self, tag: str) -> str | None:
        found = _MARKUP.fullmatch(f"<{tag}>")
        name = (found["name"] or "").lower() if found else ""
        is_space = name == "li" or (name != "a" and name in _BLOCKS | _LINES | _CELLS | _INLINE)
        space = _spacing(name, is_end=tag.startswith("/"), written="") if is_space else None
        if len(tag) <= _TAG_MAX_CHARS and len(self) < _TAGS_MAX:
            self[tag] = space
        return space


_SPACES = _Spaces()


def _read_with_care(text: str) -> str:
    parts: list[str] = []
    links: list[tuple[str, int]] = []
    last = 0
    for found in _MARKUP.finditer(text):
        parts.append(_unescaped(text[last : found.start()]))
        last = found.end()
        name = (found["name"] or "").lower()
        if name == "a":
            _follow(found, parts, links)
        elif name:
            parts.append(_spacing(name, is_end=bool(found["end"]), written=found[0]))
    parts.append(_unescaped(text[last:]))
    return "".join(parts)


def _spacing(name: str, *, is_end: bool, written: str) -> str:
    if name in _BLOCKS:
        return "\n\n"
    if name == "li":
        return "" if is_end else "\n- "
    if name in _LINES:
        return "\n"
    if name in _CELLS:
        return " "
    return "" if name in _INLINE else _unescaped(written)


def _follow(tag: re.Match[str], parts: list[str], links: list[tuple[str, int]]) -> None:
    """Keeps where a link leads, unless its words say it already."""
    if not tag["end"]:
        href = _HREF.search(tag["rest"][:2000])
        links.append((_unescaped(next((g for g in href.groups() if g), "")) if href else "", len(parts)))
    elif links:
        href_, start = links.pop()
        words = "".join(parts[start:]).strip()
        if web_link(href_) and href_.rstrip("/") not in words:
            parts.append(f" ({href_})" if words else href_)


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    try:
        return html.unescape(text)
    except ValueError:  # a character number of thousands of digits
        return text
