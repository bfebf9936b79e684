"""What a terminal shows of a text with control codes: characters with styles. Pure.

It knows carriage return, backspace, erase-line and the codes of colour and style (ECMA-48); all other codes
are left out. Colours become the nearest of sixteen, because pages allow no style but classes.
"""

import re
from collections.abc import Iterator
from itertools import groupby

# Escape sequences. SGR ("select graphic rendition") sets colour, bold, italic, underline; EL erases a line.
ESCAPE = re.compile(
    r"\x1b(?:\[(?P<codes>[0-9;:]{0,80})(?P<what>[mK])|\[[0-?]*[ -/]*[@-~]"
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])"
)
OVERWRITING = re.compile(
    r"\x08|\r+(?![\r\n]|\Z)|\x1b\[[0-9;]*K"
)  # what makes later text replace earlier text
SPECIAL = re.compile(r"[\x1b\r\x08]")
# Control characters but tab and line feed, and characters that change the line or the reading direction.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
ON = {"1": "ansi1", "3": "ansi3", "4": "ansi4"}  # bold, italic, underline
OFF = {"22": "ansi1", "23": "ansi3", "24": "ansi4"}
COLOURS = {str(code) for code in (*range(30, 38), *range(90, 98))}
SIXTEEN = (  # red, green, blue of the colours 30 to 37 and 90 to 97, as xterm draws them
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
)
Piece = tuple[str, str]  # a text, and its CSS classes, separated by spaces


def plain_text(text: str) -> str:
    """Return the text as a terminal would show it, without colours."""
    if text.isprintable():  # most lines: no code at all
        return text
    if not OVERWRITING.search(text):
        return CONTROL.sub("", ESCAPE.sub("", text))
    return "".join(piece for piece, _ in styled_pieces(text))


def styled_pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a text that have the same style, in order. Styles go on over the ends of lines."""
    classes: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n")):
        cells, classes = cells_of(line, classes)
        if number:
            yield "\n", ""
        for style, group in groupby(cells, lambda cell: cell[1]):
            if shown := CONTROL.sub("", "".join(character for character, _ in group)):
                yield shown, " ".join(style)


def cells_of(
    line: str, classes: tuple[str, ...]
) -> tuple[list[tuple[str, tuple[str, ...]]], tuple[str, ...]]:
    """Return the characters of one line with their styles, and the style that is on at its end.

    A carriage return at the end of the line belongs to the line end. Any other one, and a backspace, let what
    follows overwrite what is there, as on a terminal.
    """
    cells: list[tuple[str, tuple[str, ...]]] = []
    line, place, position = line.rstrip("\r"), 0, 0
    while position < len(line):
        special = SPECIAL.search(line, position)
        end = special.start() if special else len(line)
        for character in line[position:end]:
            cells[place : place + 1] = [(character, classes)]
            place += 1
        position = end
        if special is None:
            break
        escape = ESCAPE.match(line, end) if special[0] == "\x1b" else None
        if escape is None:  # a return, a backspace, or an escape that begins no sequence
            place = {"\r": 0, "\x08": max(0, place - 1)}.get(special[0], place)
            position += 1
            continue
        if escape["what"] == "m":
            classes = classes_after(classes, escape["codes"])
        elif escape["what"] == "K":
            del cells[0 if escape["codes"] in ("1", "2") else place :]
            place = min(place, len(cells))
        position = escape.end()
    return cells, classes


def classes_after(classes: tuple[str, ...], codes: str) -> tuple[str, ...]:
    """Return the CSS classes after an SGR code; semicolons or colons separate the numbers in `codes`."""
    found = list(classes)
    numbers = iter(codes.replace(":", ";").split(";"))
    for number in numbers:
        code = number.lstrip("0")
        if not code:
            found = []
        elif code in ON:
            found.append(ON[code])
        elif code in OFF:
            found = [name for name in found if name != OFF[code]]
        elif code == "39":
            found = without_colour(found)
        elif code in COLOURS:
            found = [*without_colour(found), f"ansi{code}"]
        elif code in ("38", "48"):
            colour = colour_of(numbers)
            if code == "38" and colour:
                found = [*without_colour(found), colour]
    return tuple(dict.fromkeys(found))


def without_colour(classes: list[str]) -> list[str]:
    """Return the classes but those of a text colour."""
    return [name for name in classes if name.removeprefix("ansi") not in COLOURS]


def colour_of(numbers: Iterator[str]) -> str:
    """Return the class of an extended colour, "" for none: `5;n` of 256, or `2;r;g;b`. Takes its numbers."""
    how = next(numbers, "")
    count = {"5": 1, "2": 3}.get(how, 0)
    values = [int(part) if part.isdecimal() else 0 for part in (next(numbers, "") for _ in range(count))]
    if not values:
        return ""
    if how == "5" and values[0] < 16:
        return class_of_number(values[0])
    rgb = colour_of_256(values[0]) if how == "5" else (values[0], values[1], values[2])
    distances = [sum((a - b) ** 2 for a, b in zip(rgb, one, strict=True)) for one in SIXTEEN]
    return class_of_number(distances.index(min(distances)))


def colour_of_256(number: int) -> tuple[int, int, int]:
    """Return red, green and blue of a colour of xterm's 256, from 16 on: a cube of 6 x 6 x 6, then greys."""
    if number >= 232:
        grey = 8 + 10 * min(number - 232, 23)
        return grey, grey, grey
    steps = (0, 95, 135, 175, 215, 255)
    cube = number - 16
    return steps[cube // 36 % 6], steps[cube // 6 % 6], steps[cube % 6]


def class_of_number(number: int) -> str:
    """Return the class of one of the sixteen colours."""
    return f"ansi{30 + number}" if number < 8 else f"ansi{90 + number - 8}"
