"""The mutants of a file: one changed place each, in code whose change a test can notice."""

import pytest

from tests.mutants.mutate import mutants_of


@pytest.fixture
def lines_of(tmp_path):
    """Return the changed last lines of a function with this last line."""

    def lines(line, *, before="def f(a, b):", name="room.py"):
        (tmp_path / name).write_text(f"{before}\n    {line}\n")
        return [mutant.text.splitlines()[-1].strip() for mutant in mutants_of(tmp_path, name)]

    return lines


@pytest.mark.parametrize(
    ("line", "mutants"),
    [
        ("x = a < b", ["x = a <= b"]),
        ("x = a is not b", ["x = a is b"]),
        ("x = a and b or c", ["x = a and b and c", "x = a or b or c"]),
        ("x = not a", ["x =  a"]),
        ("x = a | b", ["x = a & b"]),
        ("x = 3", ["x = 4"]),
        ("x = 60", ["x = 120"]),
        ("x = any(a)", ["x = all(a)"]),
        ("x = [one for one in a if one]", ["x = [one for one in a if not (one)]"]),
        ("return a", ["return None"]),
        ("raise a", ["pass"]),
        ("a.b = b", ["pass"]),
        ("x = f(a=b, c=a)", ["x = f( c=a)", "x = f(a=b, )"]),
        ("x = f.filter(at__lt=b)", ["x = f", "x = f.filter()", "x = f.filter(at__lte=b)"]),
        ('x = "…" if a else "é"', ['x = "…" if not (a) else "é"']),
    ],
)
def test_each_change_is_one_mutant(line, mutants, lines_of):
    assert sorted(lines_of(line)) == sorted(mutants)


@pytest.mark.parametrize(
    "line",
    ["log.info(a, b=1)", "x: int = a", '"""Words 1."""', "return None", "assert a > 1", 'x = f"{a > 1}"'],
)
def test_what_no_test_is_expected_to_notice_stays(line, lines_of):
    assert lines_of(line) == []


def test_tables_are_made_by_migrations(lines_of):
    assert lines_of("name = CharField(max_length=9)", before="class A:", name="forms.py") != []
    assert lines_of("name = CharField(max_length=9)", before="class A:", name="models.py") == []
