"""Reading settings: each kind takes its values, collects what is wrong, and never repeats a secret."""

import pytest

from portal.configuration.keys import parse_secret_key, parse_vault_keys
from portal.environment import (
    SECRET_MAKERS,
    BadSetting,
    Environment,
    make_secret,
    read_setting,
    stop_on_problems,
)


def number(text):
    environment = Environment({"SECONDS": text})
    return environment.number_setting("SECONDS", 7, at_least=0.5, at_most=60), environment.problems


@pytest.mark.parametrize(
    ("text", "value"), [("", 7), ("0.5", 0.5), ("60", 60), (" 5 ", 5), ("05", 5), ("1.50", 1.5)]
)
def test_a_number_is_read(text, value):
    assert number(text) == (value, [])


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-1",
        "+1",
        "0.4",
        "60.1",
        "99999",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e1",
        "1_0",
        "0x10",
        "5s",
        "5 s",
        "5,5",
        *("five", "٥", "５", "1.", ".5", "5\n6", "--5", "None", "1" * 400),
    ],
)
def test_what_is_no_number_within_the_bounds_is_one_line(text):
    value, (problem,) = number(text)

    assert value == 7
    assert problem.startswith("SECONDS is ") and "write a number from 0.5 to 60, without a unit." in problem
    assert "\n" not in problem and (len(problem) < 150 or text == "1" * 400)


def test_an_upper_bound_that_is_another_setting_is_named():
    environment = Environment({"ACTIVE": "10"})

    environment.number_setting("ACTIVE", 1, at_least=0, at_most=5, limit="IDLE")

    assert environment.problems == ["ACTIVE is 10: write a number from 0 to 5 (IDLE), without a unit."]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", False),
        *((text, True) for text in ("yes", "True", "ON", "1", " yes ")),
        *((text, False) for text in ("no", "off", "FALSE", "0")),
    ],
)
def test_a_switch_is_read(text, value):
    environment = Environment({"SWITCH": text})

    assert environment.switch_setting("SWITCH", False) is value and environment.problems == []


@pytest.mark.parametrize("text", ["treu", "y", "n", "2", "-1", "enabled", "ja", "yes no", "null", " "])
def test_a_switch_that_is_neither_yes_nor_no_is_refused(text):
    environment = Environment({"SWITCH": text})

    environment.switch_setting("SWITCH", False)

    assert environment.problems == [f"SWITCH is {text!r}: write yes or no."]


def test_a_choice_is_read_in_any_case_and_refused_otherwise():
    environment = Environment({"GOOD": "debug", "BAD": "verbose"})

    assert environment.choice_setting("GOOD", "INFO", ("DEBUG", "INFO")) == "DEBUG"
    assert environment.choice_setting("BAD", "INFO", ("DEBUG", "INFO")) == "INFO"
    assert environment.problems == ["BAD is 'verbose': write one of DEBUG, INFO."]


def test_a_list_is_read_entry_by_entry():
    assert Environment({"LIST": " a, b ,,c,"}).list_setting("LIST", str.upper) == ["A", "B", "C"]
    assert Environment({}).list_setting("LIST", str.upper) == []


def test_every_problem_is_collected_in_order():
    environment = Environment({"A": "x", "B": "maybe", "C": "x"})

    environment.number_setting("A", 1, at_least=0, at_most=2)
    environment.switch_setting("B", False)
    environment.choice_setting("C", "y", ("y",))

    assert [problem.split()[0] for problem in environment.problems] == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"p@ss", "p@ss"),
        (b"p@ss\n", "p@ss"),
        (b"p@ss\r\n", "p@ss"),
        (b"p@ss\n\n", "p@ss"),
        (b"\xef\xbb\xbfp@ss\r\n", "p@ss"),
        (b" p ss \n", " p ss "),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"$HOME `x` \\n\n", "$HOME `x` \\n"),
    ],
)
def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path, content, text):
    file = tmp_path / "secret"
    file.write_bytes(content)
    environment = Environment({"PASSWORD_FILE": str(file)})

    assert environment.password_setting("PASSWORD") == text and environment.problems == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"  \n", "is empty"),
        ("secret-in-it".encode("utf-16"), "is not text in UTF-8"),
        (b"secret-in-it\xff", "is not text in UTF-8"),
        (b"secret-in-it" * 10_000, "is larger than 64 KiB"),
        (b"secret-in-it\nsecond line", "line end"),
        (b"secret-in-it\x00", "cannot be printed"),
        (b"secret-in-it\x1b[31m", "cannot be printed"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_without_the_secret(tmp_path, content, why):
    file = tmp_path / "secret"
    file.write_bytes(content)
    environment = Environment({"PASSWORD_FILE": str(file)})

    assert environment.password_setting("PASSWORD") == ""

    (problem,) = environment.problems
    assert problem.startswith("PASSWORD ") and why in problem
    assert "secret-in-it" not in problem and "\n" not in problem


def test_a_file_that_is_not_there_or_a_folder_is_one_line(tmp_path):
    environment = Environment({"A_FILE": str(tmp_path / "none"), "B_FILE": str(tmp_path)})

    environment.text_setting("A")
    environment.text_setting("B")

    assert environment.problems == [
        f"A is to be read from A_FILE, but {tmp_path / 'none'} cannot be read: No such file or directory.",
        f"B is to be read from B_FILE, but {tmp_path} cannot be read: Is a directory.",
    ]


def test_a_value_and_a_file_together_are_refused(tmp_path):
    (tmp_path / "secret").write_text("one")
    environment = Environment({"A": "two", "A_FILE": str(tmp_path / "secret"), "B": "", "B_FILE": ""})

    environment.password_setting("A")
    environment.password_setting("B")

    assert environment.problems == ["A and A_FILE are both given: keep one of them."]


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    made = {name: make_secret(name, tmp_path / "secrets") for name in SECRET_MAKERS}

    assert made == {name: make_secret(name, tmp_path / "secrets") for name in SECRET_MAKERS}
    assert len(set(made.values())) == len(SECRET_MAKERS)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


def test_a_kept_secret_that_is_empty_is_not_made_anew(tmp_path):
    (tmp_path / "portal_vault_keys").write_text("\n")
    environment = Environment({})

    assert environment.secret_setting("PORTAL_VAULT_KEYS", tmp_path, parse_vault_keys, []) == []

    (problem,) = environment.problems
    assert "is empty. Put the secret back from your copy." in problem
    assert (tmp_path / "portal_vault_keys").read_text() == "\n"


def test_a_secret_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    environment = Environment({})

    secret = environment.secret_setting("PORTAL_SECRET_KEY", tmp_path / "file", parse_secret_key, "unusable")

    assert secret == "unusable"
    assert (
        environment.problems
        == [f"PORTAL_SECRET_KEY is not given and cannot be made in {tmp_path / 'file'}: File exists."]
        or "Not a directory" in environment.problems[0]
    )


def test_a_given_secret_goes_before_the_kept_one(tmp_path):
    (tmp_path / "portal_secret_key").write_text("kept")

    given = Environment({"PORTAL_SECRET_KEY": " given\n"})

    assert given.secret_setting("PORTAL_SECRET_KEY", tmp_path, parse_secret_key, "") == "given"


def test_a_folder_is_found_below_the_base_or_where_it_says(tmp_path):
    environment = Environment({"A": "var/x", "B": str(tmp_path), "C": f" {tmp_path}/a b "})

    folders = [environment.path_setting(name, tmp_path / "default", base=tmp_path) for name in "ABCD"]

    assert folders == [tmp_path / "var" / "x", tmp_path, tmp_path / "a b", tmp_path / "default"]


def test_a_folder_that_is_a_file_or_means_a_home_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    environment = Environment({"A": "file", "B": "~/portal"})

    folders = [environment.path_setting(name, tmp_path / "default", base=tmp_path) for name in "AB"]

    assert folders == [tmp_path / "default"] * 2
    assert ["not a folder" in environment.problems[0], "begins with ~" in environment.problems[1]] == [
        True,
        True,
    ]


def test_a_misspelled_name_is_noticed_and_a_strange_one_is_not():
    variables = {
        "SYNC_IDLE_SECOND": "5",
        "PORTAL_VAULT_KEY": "x",
        "PORTAL_PORT": "1",
        "ROBOFLOW_API_KEY": "x",
    }
    environment = Environment(variables | {"PORTAL_SERVICE_HOST": "10.0.0.1", "PORTAL_VAULT_KEYS_FIL": "x"})
    environment.names |= {"SYNC_IDLE_SECONDS", "PORTAL_VAULT_KEYS", "PORTAL_BASE_URL", "ROBOFLOW_API_URL"}

    assert environment.misspelling_warnings(used_elsewhere={"PORTAL_PORT"}) == [
        "PORTAL_VAULT_KEY is not a setting: did you mean PORTAL_VAULT_KEYS?",
        "PORTAL_VAULT_KEYS_FIL is not a setting: did you mean PORTAL_VAULT_KEYS_FILE?",
        "SYNC_IDLE_SECOND is not a setting: did you mean SYNC_IDLE_SECONDS?",
    ]


def test_a_single_setting_is_read_or_refused(tmp_path):
    (tmp_path / "secret").write_text("from a file\n")

    assert read_setting("A", variables={"A": "x"}) == "x"
    assert read_setting("A", variables={"A_FILE": str(tmp_path / "secret")}) == "from a file"
    assert read_setting("A", "default", variables={"A": ""}) == "default"
    with pytest.raises(BadSetting):
        read_setting("A", variables={"A_FILE": str(tmp_path)})


def test_a_process_stops_with_all_lines_unless_it_is_the_check():
    with pytest.raises(SystemExit, match=r"^first\nsecond$"):
        stop_on_problems(["first", "second"], arguments=["manage.py", "up"])
    with pytest.raises(SystemExit):
        stop_on_problems(["first"], arguments=["gunicorn"])
    stop_on_problems(["first"], arguments=["manage.py", "check", "--deploy"])
    stop_on_problems([], arguments=["manage.py", "up"])
