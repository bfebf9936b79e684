"""Finds what looks like a key because of its surroundings, such as `api_key=`. Pure.

This is for keys that the portal does not know. It reads the spellings in which servers log: headers, JSON,
options of commands, query strings, environments, reprs of Python, YAML, XML, addresses with a password.
"""

import re
from collections.abc import Iterator

from deployments.roboflow.key_search import MASK

FLAGS = re.IGNORECASE | re.ASCII
HINTS = (  # a text without any of these, in lower case, is left as it is
    "key",
    "authorization",
    "bearer",
    "basic",
    "token",
    "secret",
    "passw",
    "passphrase",
    "roboflow(",
    "://",
    "%3a%2f%2f",
    " -k ",
)

# --- names ------------------------------------------------------------------------------------------------
PERCENT = r"%(?:25){0,3}"  # also encoded again
JOINT = rf"(?:[ _.-]|{PERCENT}5F|{PERCENT}2D|{PERCENT}20|\\u005f|\\u002d|&\#95;|&\#45;)?"
SUFFIX = r"(?:s|[_-]?\d{1,2}|_(?:prod|production|staging|dev|test|live|value|secret))?"
NAME = re.compile(
    rf"(?P<key>api{JOINT}key{SUFFIX})"
    r"|(?P<header>authorization)"
    rf"|(?P<other>(?:access|secret|private|subscription){JOINT}key"
    rf"|(?:access|auth|api|bearer|refresh){JOINT}token"
    rf"|client{JOINT}secret|password|passwd|passphrase)"
    r"|(?P<weak>token)",
    FLAGS,
)
NAME_GOES_ON = re.compile(r"[A-Za-z0-9_]|-[A-Za-z]")

# --- between name and value -------------------------------------------------------------------------------
QUOTE = (
    r"\"\"\"|'''|\\{0,8}[\"'`]|&quot;|&apos;|&\#0?3[49];|&\#x2[27];|\\u002[27]"
    rf"|{PERCENT}2[27]"
)
COLOUR = r"(?:\x1b|\\x1b|\\u001b|\\033|\\e|\^\[)\[[0-9;]{0,30}m"
NAME_END = re.compile(rf"(?:{QUOTE}|\]|{PERCENT}5D|{COLOUR}){{0,4}}", FLAGS)
GAP = rf"(?:[ \t+]|{PERCENT}20|{COLOUR}){{0,20}}"
ANNOTATION = (
    r":[ ]?[A-Za-z_.]{1,40}(?:\[[^\]\n]{0,60}\])?(?:[ ]?\|[ ]?None)?[ ]?=[ ]?(?=[bruf]?[\"'])"  # of Python
)
SIGN = rf"=>|:=|==|->|=|:|\uff1d|\uff1a|{PERCENT}3D|{PERCENT}3A|&\#61;|&\#x3d;|\\u003d"
ASSIGN = re.compile(rf"{GAP}(?:{ANNOTATION}|{SIGN}){GAP}", FLAGS)
AS_OPTION = re.compile(r"(?:^|[\s\x00\"'\[(,])--?(?:\w+[-_.])*\Z")  # before the name of a command's option
AS_VARIABLE = re.compile(r"(?:^|\s)(?:env|setx?|set -\w+|export)\s+\w*\Z", FLAGS)
AS_ELEMENT = re.compile(r"<[^<>]{0,60}\Z")
ELEMENT_END = re.compile(r">")
SPACES = re.compile(r"[ \t]{1,20}|\x00")  # NUL: in /proc/<pid>/cmdline
COMMA = re.compile(
    r"[ \t]{0,10},\s{0,10}(?=[bru]?\\{0,8}[\"'])"
)  # in a list of arguments, or a pair of a header
VALUE_FIELD = re.compile(
    rf"[ \t]{{0,10}},?\s{{0,20}}(?:{QUOTE})?(?:value|default)(?:{QUOTE})?\s{{0,10}}[:=]\s{{0,10}}(?={QUOTE})"
    r"|(?:\r?\n[\w-]+:[^\r\n]{0,200}){0,3}(?:\r?\n|\\r\\n|\\n){2}(?=[^\s-])",  # a part of a form with files
    FLAGS,
)
IN_PROSE = re.compile(
    r"(?:[ \t]{1,4}(?:is|was|of|used|provided|given|found|for))?[ \t]{1,4}(?:[\"'`(<\[]|\S[ ])?", FLAGS
)
OPENING = re.compile(
    rf"(?:{COLOUR}|[ \t]|{PERCENT}20|!!\w{{1,10}}[ ]|\b\w{{0,20}}Secret(?:Str|Bytes|Value)?\("
    r"|\[|\(|<(?=[^<>\s]+>)"
    r"|[|>][+-]?[ \t]*\r?\n\s+|\r?\n[ \t]+(?=\S)|[bruf]{1,2}(?=[\"'])|\s{1,40}(?=\\{0,8}[\"'])"
    rf"|\{{\s{{0,20}}(?:{QUOTE})(?:value|key|secret)(?:{QUOTE})\s{{0,5}}:\s{{0,5}}){{0,4}}",
    FLAGS,
)
SCHEME = re.compile(r"(?:bearer|basic|token|apikey|api-key|key|digest|negotiate)(?:[ \t]{1,4}|%20|\+)", FLAGS)
OPENING_QUOTE = re.compile(QUOTE, FLAGS)

# --- values -----------------------------------------------------------------------------------------------
# A backslash, an ampersand and a percent sign belong to the value where they encode one of its letters.
VALUE = re.compile(
    r"(?![{(\[])(?:\\(?:u[0-9a-f]{4}|x[0-9a-f]{2}|/)|&\#x?[0-9a-f]{1,6};|&amp;"
    r"|[^\s&\"'`\\,;)}\]<>\x1b\x00])+",
    FLAGS,
)
ENCODED_VALUE = re.compile(  # in an encoded query it ends at an encoded separator
    r"(?:%(?!2[0235679C]|0[AD]|7D|3[BCE]|5D)[0-9a-f]{2}|[^\s&\"'`\\,;)}\]<>\x1b\x00%])+", FLAGS
)
LONGEST_QUOTED = 400
NO_VALUES = {
    "***",
    "none",
    "null",
    "nil",
    "undefined",
    "unset",
    "true",
    "false",
    "str",
    "string",
    "bytes",
    "int",
}
WORDS = re.compile(  # with which a sentence goes on after `api_key:`
    r"not|no|yes|missing|required|optional|invalid|empty|expired|the|is|was|has|must|should|could|cannot|can"
    r"|field|header|param|parameter|value|redacted|hidden|wrong|error|ok|valid|unknown|type|any|failed|denied"
    r"|length|text|ready|present|absent|loaded|deprecated"
)
SENTENCE = re.compile(r"[A-Za-z][a-z]{0,14}[ \t]+[A-Za-z'-]+(?=[\s.,;!?]|\Z)")
CODE = re.compile(r"(?:[a-z_]\w*\.)*_?(?:[a-z]+_)?api_?key|(?:os|self|settings|config|env)\b.*", FLAGS)
PATH = re.compile(r"[./~]*/[\w./-]+")
RANDOM = re.compile(r"(?=\S*[A-Za-z])(?=\S*\d|\S*[a-z][A-Z]\S*[a-z]|\S*=\Z)\S+", re.ASCII)
LONG_WORD = re.compile(r"[A-Za-z0-9_./+=~%-]{8,500}")

# --- values without such a name; the first group is kept ---------------------------------------------------
OTHER_PATTERNS = [
    re.compile(
        r"(\b(?:\w{0,20}Secret(?:Str|Bytes|Value)?|ApiKey|Roboflow)\([bru]?\\{0,4}[\"'])[^\"'\\]{1,400}",
        FLAGS,
    ),
    re.compile(r"(://[^:/\s@\"'<>]{0,200}:)[^@/\s\"'<>]{1,400}(?=@)"),
    re.compile(r"(%3A%2F%2F[^%/\s@]{0,200}%3A)(?:(?!%40|%2F)[^\s@/&\"'<>]){1,400}(?=%40)", FLAGS),
]
WORD_PATTERNS = [  # the second group is masked only when it is no word of a language
    re.compile(r"(\b(?:bearer|basic)(?::?[ \t]{1,4}|%20|\+))([A-Za-z0-9_./+=~-]{6,4000})", FLAGS),
    re.compile(r"(\btoken[ \t])([A-Za-z0-9_-]{16,400})", FLAGS),
    re.compile(r"(://)([A-Za-z0-9_-]{16,400})(?=@)"),
    re.compile(r"((?:^|\s)-k[ \t=])([A-Za-z0-9]{16,64})(?![\w./:-])"),
]


def mask_patterns(text: str) -> str:
    """Return `text` with `***` for everything that its surroundings, such as `api_key=`, show to be a key."""
    if not has_hint(text.lower()):
        return text
    text = mask_assignments(text)
    for pattern in OTHER_PATTERNS:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    for pattern in WORD_PATTERNS:
        text = pattern.sub(lambda found: found[1] + (MASK if RANDOM.fullmatch(found[2]) else found[2]), text)
    return text


def has_hint(lower: str) -> bool:
    """Return whether a text in lower case may hold a key. A plain loop: each log line is asked."""
    for hint in HINTS:  # noqa: SIM110
        if hint in lower:
            return True
    return False


def is_key_name(name: str) -> bool:
    """Return whether what is called so is a key: `api_key`, `x-api-key`, `ROBOFLOW_API_KEY` and the like."""
    return any(found.end() == len(name) and not found["weak"] for found in NAME.finditer(name))


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
        return span_in_prose(text, place) if name["key"] else None
    start, quote, opening = start_of_value(text, assign.end(), with_scheme=not name["other"])
    end = end_of_value(text, start, quote=quote, is_encoded="%" in assign[0])
    if "[" in opening and not quote.startswith("%"):
        end = end_of_list(text, end)
    value, is_equal = text[start:end], ":" not in assign[0]
    if is_no_key(value, is_equal=is_equal):
        return None
    if (name["key"] or not quote) and not is_equal and SENTENCE.match(text, start):
        return None
    if name["weak"] or ("\n" in opening and not (quote or opening.lstrip(" ")[0] in "|>")):
        is_sure = False
    elif name["other"]:
        is_sure = (bool(quote) or is_equal) and not PATH.fullmatch(value)
    else:
        is_sure = bool(name["key"]) or SCHEME.search(opening) is not None
    return (start, end) if is_sure or RANDOM.fullmatch(value) else None


def start_of_value(text: str, place: int, *, with_scheme: bool) -> tuple[int, str, str]:
    """Return where the value begins, the quote before it, and all that is between the sign and the value."""
    begin = place
    opening = OPENING.match(text, place)
    place = opening.end() if opening else place
    quote = OPENING_QUOTE.match(text, place)
    place = quote.end() if quote else place
    scheme = SCHEME.match(text, place) if with_scheme else None
    place = scheme.end() if scheme else place
    return place, quote[0] if quote else "", text[begin:place]


def end_of_list(text: str, end: int) -> int:
    """Return where the last value of a list ends, of which the first one ends at `end`."""
    close = text.find("]", end, end + LONGEST_QUOTED)
    inner = text[end:close] if close >= 0 else ""
    return end + len(inner.rstrip("\"'\\ ")) if "\n" not in inner else end


def separator(text: str, name: re.Match[str], place: int) -> re.Match[str] | None:
    """Return what separates name and value where there is no sign of assignment, or None."""
    before = text[max(0, name.start() - 80) : name.start()]
    if place > name.end() and (found := VALUE_FIELD.match(text, place) or COMMA.match(text, place)):
        return found  # a quoted name
    if text.startswith(">", place) and AS_ELEMENT.search(before):
        return ELEMENT_END.match(text, place)
    if AS_OPTION.search(before) or AS_VARIABLE.search(before):
        return SPACES.match(text, place)
    return None


def span_in_prose(text: str, place: int) -> tuple[int, int] | None:
    """Return where a key is that a sentence names, as in `Invalid API key abc...`, or None."""
    between = IN_PROSE.match(text, place)
    word = LONG_WORD.match(text, between.end()) if between else None
    if word is None or len(word[0]) < 16 or not RANDOM.fullmatch(word[0].rstrip(".")):
        return None
    return word.span()


def end_of_value(text: str, place: int, *, quote: str, is_encoded: bool) -> int:
    """Return where the value that begins at `place` ends: at its closing quote, or at a separator."""
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


def is_no_key(value: str, *, is_equal: bool) -> bool:
    """Return whether a value is none, masked already, an expression of code or a word of a sentence.

    After an equals sign a word such as `missing` may be a key.
    """
    first_word = re.match(r"\*\*\*|[A-Za-z]*", value)
    assert first_word is not None
    word, rest = first_word[0].lower(), value[first_word.end() :]
    if rest and (rest[0].isalnum() or rest[0] in "_-%+/\\&"):
        word = ""  # it goes on
    is_word = word in NO_VALUES or (not is_equal and WORDS.fullmatch(word) is not None)
    return not value or is_word or CODE.fullmatch(value) is not None or (value.isdigit() and len(value) < 8)
