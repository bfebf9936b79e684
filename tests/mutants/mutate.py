"""Which mutants a room has: each is one of its files with one place changed."""

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PAIRS = "== !=, < <=, > >=, is is_not, in not_in, and or, + -, * //, | &, any all, min max, True False"
LOOKUP_PAIRS = "lt lte, gt gte"
PAIRED = [pair.replace("_", " ").split(" ", 1) for pair in f"{PAIRS}, {LOOKUP_PAIRS}".split(", ")]
OTHER = {"/": "*"} | {one: other for a, b in PAIRED for one, other in ((a, b), (b, a))}
OPERATOR = re.compile(r"[=!<>]=|[<>]|//|[+\-*/|&]|\b(is\s+not|is|not\s+in|in|and|or)\b")
CHAIN_STEPS = {"filter", "exclude", "order_by", "distinct", "reverse", "strip", "lower", "upper", "casefold"}
# A test on SQLite is not expected to notice these: locks, speed, words for people, the log.
UNSEEN_KEYWORDS = {
    "durable",
    "robust",
    "of",
    "batch_size",
    "update_fields",
    "verbose_name",
    "help",
    "help_text",
}
UNSEEN_CALLS = {"log", "logger", "warnings"}
UNSEEN_FILES = {"migrations", "urls.py", "apps.py"}
Edit = tuple[int, int, str]  # begin and end in the file's bytes, and what comes there instead


@dataclass(frozen=True)
class Mutant:
    """One changed place.

    `function` is the outermost function around it, or "" for a line that runs on import.
    """

    path: str
    line: int
    lines: range  # a test that runs one of these lines may notice the change
    function: str
    original: str
    text: str

    def diff(self) -> str:
        """Return file:line and the lines that differ."""
        lines = list(
            difflib.unified_diff(self.original.splitlines(), self.text.splitlines(), n=0, lineterm="")
        )[2:]
        return "\n".join(
            [f"{self.path}:{self.line}", *(f"    {one}" for one in lines if not one.startswith("@@"))]
        )


def mutants_of(folder: Path, only: str) -> list[Mutant]:
    """Return the mutants of the files whose name contains `only`."""
    paths = [path for path in sorted(folder.rglob("*.py")) if not UNSEEN_FILES & set(path.parts)]
    return [mutant for path in paths if only in path.name for mutant in Source(path).mutants()]


class Source:
    """A file as bytes, because ast counts columns in bytes."""

    def __init__(self, path: Path) -> None:
        self.path, self.code = str(path), path.read_bytes()
        lines = self.code.splitlines(keepends=True)
        self.line_starts = [sum(map(len, lines[:number])) for number in range(len(lines))]

    def mutants(self) -> Iterator[Mutant]:
        """Yield the mutants that are another program."""
        tree = ast.parse(self.code)
        seen = {ast.dump(tree)}
        for (begin, end, text), function, first, last in self.walk(tree, "", "", 0):
            changed = (self.code[:begin] + text.encode() + self.code[end:]).decode()
            try:
                program = ast.dump(ast.parse(changed))
            except SyntaxError:
                continue
            if program not in seen:
                seen.add(program)
                line = self.code[:begin].count(b"\n") + 1
                yield Mutant(self.path, line, range(first, last + 1), function, self.code.decode(), changed)

    def walk(
        self, node: ast.AST, classes: str, function: str, first: int
    ) -> Iterator[tuple[Edit, str, int, int]]:
        """Yield each edit, the outermost function around it, and the first and last line of its statement."""
        first = node.lineno if isinstance(node, ast.stmt) else first
        function = function or (f"{classes}{node.name}" if isinstance(node, ast.FunctionDef) else "")
        classes = f"{classes}{node.name}." if isinstance(node, ast.ClassDef) else classes
        for edit in [] if is_unseen(node) else self.edits(node):
            yield edit, function, first, getattr(node, "end_lineno", first)
        for child in parts_that_run(node):
            if self.can_change(node, child):
                yield from self.walk(child, classes, function, first)

    def can_change(self, node: ast.AST, part: ast.AST) -> bool:
        """Return whether the session can change `part`; of a table only methods: migrations make the rest."""
        if isinstance(node, ast.ClassDef) and self.path.endswith("models.py"):
            return isinstance(part, ast.FunctionDef | ast.ClassDef)
        parts = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign
        return not isinstance(node, ast.Module) or isinstance(part, parts)

    def edits(self, node: ast.AST) -> Iterator[Edit]:
        """Yield what may be changed at this node."""
        match node:
            case ast.Constant(value=bool()) | ast.Name(id="any" | "all" | "min" | "max"):
                yield self.replace(node, OTHER[self.text(node)])
            case ast.Constant(value=int() | float() as number):
                yield self.replace(node, repr(number + 1 if number <= 10 else number * 2))
            case ast.Compare(left=left, comparators=others):
                yield from self.swap_operators([left, *others])
            case ast.BoolOp(values=values):
                yield from self.swap_operators(values)
            case ast.BinOp(left=left, right=right):
                yield from self.swap_operators([left, right])
            case ast.UnaryOp(op=ast.Not()):
                yield self.begin(node), self.begin(node) + len("not"), ""
            case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
                yield from self.negate(test)
            case ast.comprehension(ifs=tests):
                yield from (edit for test in tests for edit in self.negate(test))
            case ast.Call():
                yield from self.shorten(node)
            case ast.Return(value=ast.AST() as value) if self.text(value) != "False":
                yield self.replace(node, "return None")
            case (
                ast.Raise()
                | ast.Continue()
                | ast.Break()
                | ast.Delete()
                | ast.AugAssign()
                | ast.Expr(ast.Call())
            ):
                yield self.replace(node, "pass")
            case ast.Assign(targets=[target]) if not isinstance(
                getattr(target, "elts", [target])[0], ast.Name
            ):
                yield self.replace(node, "pass")

    def begin(self, node: ast.AST) -> int:
        return self.line_starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.AST) -> int:
        return self.line_starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        return self.code[self.begin(node) : self.end(node)].decode()

    def replace(self, node: ast.AST, text: str) -> Edit:
        return self.begin(node), self.end(node), text

    def negate(self, test: ast.expr) -> Iterator[Edit]:
        """Yield `not (test)`, unless another operator says the same."""
        if (
            not isinstance(test, ast.Compare | ast.UnaryOp)
            or "<" in self.text(test)
            or ">" in self.text(test)
        ):
            yield self.replace(test, f"not ({self.text(test)})")

    def swap_operators(self, values: list[ast.expr]) -> Iterator[Edit]:
        """Yield another operator between each two values."""
        for left, right in pairwise(values):
            between = self.code[self.end(left) : self.begin(right)].decode()
            swapped = OPERATOR.sub(lambda found: OTHER[" ".join(found[0].split())], between, count=1)
            yield self.end(left), self.begin(right), swapped

    def shorten(self, call: ast.Call) -> Iterator[Edit]:
        """Yield the call without a keyword, with `__lt` for `__lte`, or without its step of a chain."""
        for keyword in call.keywords:
            begin, end, name = self.begin(keyword), self.end(keyword), keyword.arg or ""
            field, _, lookup = name.rpartition("__")
            if name and name not in UNSEEN_KEYWORDS:
                yield begin, end + len(re.match(rb"\s*,?", self.code[end:])[0]), ""
            if lookup in OTHER:
                yield begin, begin + len(name), f"{field}__{OTHER[lookup]}"
        if isinstance(call.func, ast.Attribute) and call.func.attr in CHAIN_STEPS:
            yield self.code.index(b".", self.end(call.func.value)), self.end(call), ""


def is_unseen(node: ast.AST) -> bool:
    """Return whether no test is expected to notice a change of this node, or of anything inside it."""
    root = node.value if isinstance(node, ast.Expr) else None
    while isinstance(root, ast.Call | ast.Attribute):
        root = root.func if isinstance(root, ast.Call) else root.value
    return (
        isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.JoinedStr)
        or getattr(root, "id", "") in UNSEEN_CALLS
        or getattr(node, "arg", "") in UNSEEN_KEYWORDS
    )


def parts_that_run(node: ast.AST) -> list[ast.AST]:
    """Return the children that a test can notice: no annotations, decorators, defaults."""
    if is_unseen(node):
        return []
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.body
    return (
        [node.value] if isinstance(node, ast.AnnAssign) and node.value else list(ast.iter_child_nodes(node))
    )
