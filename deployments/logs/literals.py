"""A text that each match of a regular expression contains, so that the database can leave out other lines.

It understands just enough of RE2's syntax (https://github.com/google/re2/wiki/Syntax) to be sure, and finds
none in an expression with anything else.
"""

import re
import string

SHORTEST = 3  # characters; a shorter text is in too many lines
REPETITION = re.compile(r"\{\d+(,\d*)?\}")
CLASS = re.compile(r"\[\^?\]?(\[:[^]]*:\]|\\.|[^]\\])*\]", re.DOTALL)
# In any case, these letters also match signs outside of ASCII, whose case databases do not know.
PLAIN = set(string.ascii_letters + string.digits) - set("kKsS")
WITHOUT_TEXT = set("AbBdDsSwWzafnrtv")  # letters which, after a backslash, stand for one character or none


def required_text(expression: str) -> str:
    """Return the longest text that is in whatever the expression matches, in any case; "" for none.

    Only what is outside of parentheses counts: a part within them may be left out or repeated.
    """
    if "|" in expression:
        return ""
    found, run, place, depth = [""], "", 0, 0
    while place < len(expression):
        character, width = expression[place], 1
        literal = character if character in PLAIN or character in " -_/:,=\"'#%&;<>@!~`" else ""
        if character == "\\":
            following, width = expression[place + 1 : place + 2], 2
            if following.isalnum() and following not in WITHOUT_TEXT:
                return ""
            literal = following if following in string.punctuation else ""
        elif repetition := REPETITION.match(expression, place):
            run, width = run[:-1], len(repetition[0])  # perhaps none of the last character
        elif character in "*?":
            run = run[:-1]
        elif character == "[":
            if not (members := CLASS.match(expression, place)):
                return ""
            width = len(members[0])
        depth += {"(": 1, ")": -1}.get(character, 0)
        if literal and not depth:
            run += literal
        else:
            found.append(run)
            run = ""
        place += width
    text = max([*found, run], key=len)
    return text if len(text) >= SHORTEST else ""
