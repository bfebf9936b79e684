"""Finds what looks like a key because of its surroundings, such as `api_key=`. Pure.

This is for keys that the portal does not know. It reads the spellings in which servers log: headers, JSON, options
of commands, query strings, environments, reprs of Python, YAML, XML, addresses with a password.
"""

import re
from collections.abc import Iterator

from deployments.roboflow.key_search import MASK

FLAGS = re.IGNORECASE | re.ASCII
HINTS = (
    "key",
    "authorization",
    "bearer",
    "basic",
    "token",
    "secret",
    "passw",
    "passphrase",
    "://",
    "%3a%2f%2f",
    " -k ",
)

# --- names ------------------------------------------------------------------------------------------------
JOINT = r"(?:[ _.-]|%5F|%2D|%20|\\u005f|\\u002d|&\#95;|&\#45;)?"
SUFFIX = r"(?:[_-]?\d{1,2}|_(?:prod|production|staging|dev|test|live|value|secret))?"
NAME = re.compile(
    rf"(?P<key>api{JOINT}key{SUFFIX})"
    r"|(?P<header>authorization)"
    rf"|(?P<other>(?:access|secret|private|subscription){JOINT}key|(?:access|auth|api|bearer|refresh){JOINT}token"
    rf"|client{JOINT}secret|password|passwd|passphrase)",
    FLAGS,
)
NAME_GOES_ON = re.compile(r"[A-Za-z0-9_]|-[A-Za-z]")

# --- between name and value -------------------------------------------------------------------------------
QUOTE = r"\\{0,8}[\"'`]|%22|%27|&quot;|&apos;|&\#0?3[49];|&\#x2[27];|\\u002[27]"
COLOUR = r"\x1b\[[0-9;]{0,30}m"
NAME_END = re.compile(rf"(?:{QUOTE}|\]|%5D|{COLOUR}){{0,4}}", FLAGS)
GAP = rf"(?:[ \t]|{COLOUR}){{0,20}}"
ASSIGN = re.compile(rf"{GAP}(?:=>|:=|==|->|=|:|%3D|%3A|&\#61;|&\#x3d;|\\u003d){GAP}", FLAGS)
AS_OPTION = re.compile(
    r"(?:^|[\s\"'\[(,])--?(?:\w+[-_.])*\Z"
)  # what is before the name of a command's option
AS_VARIABLE = re.compile(r"(?:^|\s)(?:env|setx?|set -\w+|export)\s+\w*\Z", FLAGS)
AS_ELEMENT = re.compile(r"<[\w:-]*\Z")
SPACES = re.compile(r"[ \t]{1,20}")
COMMA = re.compile(
    r"[ \t]{0,10},\s{0,10}(?=[bru]?\\{0,8}[\"'])"
)  # in a list of arguments, or a pair of a header
VALUE_FIELD = re.compile(
    rf"[ \t]{{0,10}},?\s{{0,20}}(?:{QUOTE})?(?:value|default)(?:{QUOTE})?\s{{0,10}}[:=]\s{{0,10}}(?={QUOTE})"
    r"|(?:\r?\n[\w-]+:[^\r\n]{0,200}){0,3}(?:\r?\n|\\r\\n|\\n){2}(?=[^\s-])",  # a part of a form with files
    FLAGS,
)
PROSE = re.compile(r"(?:[ \t]{1,4}(?:is|was|of|used|provided|given|found|for))?[ \t]{1,4}[\"'`(<]?", FLAGS)
OPENING = re.compile(
    rf"(?:{COLOUR}|[ \t]|%20|\b\w{{0,20}}Secret(?:Str|Bytes|Value)?\(|\[|\(|[|>][+-]?[ \t]*\r?\n\s+"
    rf"|[bruf]{{1,2}}(?=[\"'])|\s{{1,40}}(?=\\{{0,8}}[\"'])){{0,4}}",
    FLAGS,
)
SCHEME = re.compile(r"(?:bearer|basic|token|apikey|api-key|key|digest|negotiate)(?:[ \t]{1,4}|%20|\+)", FLAGS)
OPENING_QUOTE = re.compile(QUOTE, FLAGS)

# --- values -----------------------------------------------------------------------------------------------
# A backslash, an ampersand and a percent sign belong to the value where they encode one of its letters.
VALUE = re.compile(
    r"(?:\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|/)|&\#x?[0-9a-f]{1,6};|&amp;|[^\s&\"'`\\,;)}\]<>\x1b\x00])+", FLAGS
)
ENCODED_VALUE = re.compile(  # in an encoded query it ends at an encoded separator
    r"(?:%(?!2[0235679C]|0[AD]|7D|3[BCE]|5D)[0-9a-f]{2}|[^\s&\"'`\\,;)}\]<>\x1b\x00%])+", FLAGS
)
LONGEST_QUOTED = 400
NO_KEYS = frozenset(
    [
        "***",
        "none",
        "null",
        "nil",
        "undefined",
        "unset",
        "not",
        "no",
        "true",
        "false",
        "missing",
        "required",
        "optional",
        "invalid",
        "empty",
        "expired",
        "str",
        "string",
        "secret",
        "the",
        "is",
        "was",
        "has",
        "must",
        "should",
        "could",
        "cannot",
        "can",
        "field",
        "header",
        "param",
        "parameter",
        "value",
        "redacted",
        "hidden",
        "wrong",
        "error",
        "ok",
        "valid",
        "unknown",
        "type",
        "any",
        "failed",
        "denied",
        "length",
        "null,",
        "text",
        "int",
        "bytes",
        "os",
        "settings",
        "self",
        "config",
        "env",
    ]
)
RANDOM = re.compile(r"(?=\S*[A-Za-z])(?=\S*\d|\S*[a-z][A-Z]\S*[a-z]|\S*=\Z)\S+", re.ASCII)
LONG_WORD = re.compile(r"[A-Za-z0-9_./+=~%-]{8,500}")

# --- values without such a name; the first group is kept ---------------------------------------------------
OTHER_PATTERNS = [
    re.compile(
        r"(\b(?:\w{0,20}Secret(?:Str|Bytes|Value)?|ApiKey)\([bru]?\\{0,4}[\"'])[^\"'\\]{1,400}", FLAGS
    ),
    re.compile(r"(://[^:/\s@\"'<>]{0,200}:)[^@/\s\"'<>]{1,400}(?=@)"),
    re.compile(r"(%3A%2F%2F[^%/\s@]{0,200}%3A)(?:(?!%40|%2F)[^\s@/&\"'<>]){1,400}(?=%40)", FLAGS),
]
WORD_PATTERNS = [  # the second group is masked only when it is no word of a language
    re.compile(r"(\b(?:bearer|basic)(?:[ \t]{1,4}|%20|\+))([A-Za-z0-9_./+=~-]{6,4000})", FLAGS),
    re.compile(r"(://)([A-Za-z0-9_-]{16,400})(?=@)"),
    re.compile(r"((?:^|\s)-k[ \t=])([A-Za-z0-9]{16,64})(?![\w./:-])"),
]


def mask_patterns(text: str) -> str:
    """Return `text` with `***` for everything that its surroundings, such as `api_key=`, show to be a key."""
    lower = text.lower()
    if not any([hint in lower for hint in HINTS]):  # a list costs half of what a generator does
        return text
    text = mask_assignments(text)
    for pattern in OTHER_PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    for pattern in WORD_PATTERNS:
        text = pattern.sub(lambda found: found[1] + (MASK if RANDOM.fullmatch(found[2]) else found[2]), text)
    return text


def is_key_name(name: str) -> bool:
    """Return whether what is called so is a key: `api_key`, `x-api-key`, `ROBOFLOW_API_KEY` and the like."""
    return any(found.end() == len(name) for found in NAME.finditer(name))


def mask_assignments(text: str) -> str:
    """Return `text` with `***` for the value that follows each name of a key."""
    pieces, end = [], 0
    for start, stop in value_spans(text):
        pieces += [text[end:start], MASK]
        end = stop
    return "".join([*pieces, text[end:]]) if pieces else text


def value_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the value of each name of a key is, in order."""
    end = 0
    for name in NAME.finditer(text):
        if name.start() < end or NAME_GOES_ON.match(text, name.end()):
            continue
        if span := value_span(text, name):
            end = span[1]
            yield span


def value_span(text: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Return where the value of a name is, or None if it has none that could be a key."""
    name_end = NAME_END.match(text, name.end())
    place = name_end.end() if name_end else name.end()
    assign = ASSIGN.match(text, place) or separator(text, name, place)
    if assign is None:
        return prose_span(text, place) if name["key"] else None
    opening = OPENING.match(text, assign.end())
    place = opening.end() if opening else assign.end()
    quote = OPENING_QUOTE.match(text, place)
    place = quote.end() if quote else place
    scheme = SCHEME.match(text, place) if not name["other"] else None
    place = scheme.end() if scheme else place
    end = end_of_value(text, place, quote=quote[0] if quote else "", is_encoded="%" in assign[0])
    value = text[place:end]
    if is_no_key(value):
        return None
    is_sure = name["key"] or scheme or (name["other"] and (quote or "=" in assign[0]))
    return (place, end) if is_sure or RANDOM.fullmatch(value) else None


def separator(text: str, name: re.Match[str], place: int) -> re.Match[str] | None:
    """Return what separates name and value where there is no sign of assignment, or None."""
    before = text[max(0, name.start() - 80) : name.start()]
    if place > name.end() and (found := VALUE_FIELD.match(text, place) or COMMA.match(text, place)):
        return found  # a quoted name
    if AS_ELEMENT.search(before) and text.startswith(">", place):
        return re.compile(">").match(text, place)
    if AS_OPTION.search(before) or AS_VARIABLE.search(before):
        return SPACES.match(text, place)
    return None


def prose_span(text: str, place: int) -> tuple[int, int] | None:
    """Return where a key is that a sentence names, as in `Invalid API key abc...`, or None."""
    between = PROSE.match(text, place)
    word = LONG_WORD.match(text, between.end()) if between else None
    if word is None or len(word[0]) < 16 or not RANDOM.fullmatch(word[0].rstrip(".")):
        return None
    return word.span()


def end_of_value(text: str, place: int, *, quote: str, is_encoded: bool) -> int:
    """Return where the value that begins at `place` ends: at the same quote as it began with, or at a separator."""
    if quote:
        line_end = text.find("\n", place, place + LONGEST_QUOTED)
        limit = line_end if line_end >= 0 else place + LONGEST_QUOTED
        end = text.find(quote, place, limit)
        while len(quote) == 1 and end > 0 and text[end - 1] == "\\":
            end = text.find(quote, end + 1, limit)  # an escaped quote is part of the value
        if end >= 0:
            return end
    value = (ENCODED_VALUE if is_encoded or quote.startswith("%") else VALUE).match(text, place)
    return value.end() if value else place


def is_no_key(value: str) -> bool:
    """Return whether a value is empty, masked already, or begins with a word such as `not` or `None`."""
    first_word = re.match(r"\*\*\*|[A-Za-z]*", value)
    rest = value[len(first_word[0]) :] if first_word else value
    ends_there = not rest or not (rest[0].isalnum() or rest[0] in "_-%+/\\&")
    return not value or (first_word is not None and ends_there and first_word[0].lower() in NO_KEYS)
