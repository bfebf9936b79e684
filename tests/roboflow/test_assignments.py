"""What looks like a key assignment is masked for strangers' keys too; ordinary text is left as it is."""

import time

import pytest

from deployments.roboflow.assignments import is_key_name, mask_patterns

KEY = "Kx7pQ2mmR9sTvW4yZ1aB"

ASSIGNMENTS = {  # KEY takes the place of @
    "headers": """
        X-Api-Key: @
        x-api-key:@
        > X-API-KEY: @
        Authorization: Bearer @
        authorization: Basic @
        Authorization: ApiKey @
        Authorization: @
        Proxy-Authorization: Basic @
        HTTP_AUTHORIZATION=Bearer @
        -H "X-Api-Key: @"
        --header 'Authorization: Bearer @'
        (b'x-api-key', b'@')
        [(b'authorization', b'Bearer @')]
        Headers({'x-api-key': '@', 'host': 'x'})
        map[Accept:[*/*] X-Api-Key:[@]]
        {"X-Api-Key":["@"]}
        http.request.header.x_api_key=@
        Bearer @
    """,
    "JSON": r"""
        {"api_key": "@"}
        {"apiKey":"@","x":1}
        {"apikey" : "@"}
        {"api_keys": ["@"]}
        {"api_key": {"value": "@"}}
        {"name": "API_KEY", "value": "@"}
        {\"api_key\": \"@\"}
        {\\\"api_key\\\": \\\"@\\\"}
        &quot;api_key&quot;: &quot;@&quot;
        \u0022api_key\u0022: \u0022@\u0022
    """,
    "options": """
        --api-key @
        --api-key=@
        --api_key '@'
        -api-key @
        --apikey @
        --roboflow-api-key @
        ['--api-key', '@']
        ["--api-key", "@"]
    """,
    "query strings": """
        GET /x?api_key=@&y=1
        GET /x?y=1&API_KEY=@ HTTP/1.1
        api_key=@#part
        api_key%3D@%26x%3D1
        api_key%253D@
        api%5Fkey=@
        next=%2Fx%3Fapi_key%3D@
        %22api_key%22%3A%22@%22
        %7B%22api_key%22%3A+%22@%22%7D
        api_key\\u003d@
        api_key&#61;@
    """,
    "reprs of Python": """
        {'api_key': '@'}
        {b'api_key': b'@'}
        {'api_key': ['@', '@']}
        <QueryDict: {'api_key': ['@']}>
        ImmutableMultiDict([('api_key', '@')])
        namespace(api_key='@')
        Config(api_key=SecretStr('@'), region='us')
        SecretStr('@')
        Roboflow(api_key="@")
        Roboflow("@")
        api_key: str = '@'
        environ({'API_KEY': '@'})
        headers["x-api-key"] = "@"
        params[api_key]=@
    """,
    "environments and files": """
        ROBOFLOW_API_KEY=@
        export ROBOFLOW_API_KEY="@"
        setx ROBOFLOW_API_KEY @
        $env:API_KEY = "@"
        docker run -e API_KEY=@ image
        ENV API_KEY @
        api_key: @
        api_key: "@"
        api_key = @
        api_key => @
        api_key := @
        <api_key>@</api_key>
        <param name='api_key'>@</param>
        name="api_key" value="@"
        postgres://user:@@host/db
        https://@@host/x
    """,
    "sentences": """
        Invalid API key @
        the API key '@' is wrong
        API key: @.
        The api_key is @
    """,
    "colours": """
        \x1b[36mapi_key\x1b[0m=\x1b[35m@\x1b[0m
        \x1b[1mapi_key\x1b[0m: \x1b[32m'@'\x1b[0m
        \\x1b[36mapi_key\\x1b[0m=\\x1b[35m@
    """,
}
LINES = [
    (kind, line) for kind, text in ASSIGNMENTS.items() for line in map(str.strip, text.strip().splitlines())
]


def with_key(line):
    """Return a line with KEY in place of each @; of two in a row the second one is kept."""
    return line.replace("@@", f"{KEY}\0").replace("@", KEY).replace("\0", "@")


@pytest.mark.parametrize(("kind", "line"), LINES)
def test_the_value_of_an_assignment_is_masked(kind, line):
    masked = mask_patterns(with_key(line))

    assert KEY not in masked and "***" in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /list?api_key=abc123&x=1", "GET /list?api_key=***&x=1"),
        ("apikey: abc123", "apikey: ***"),
        ('{"api_key": "abc123", "x": 1}', '{"api_key": "***", "x": 1}'),
        (r"{\"api_key\": \"abc123\"}", r"{\"api_key\": \"***\"}"),
        ("%22api_key%22%3A%22abc123%22", "%22api_key%22%3A%22***%22"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer ***"),
        ("['--api-key', 'abc', '--model', 'm']", "['--api-key', '***', '--model', 'm']"),
        ("--api-key sandbox-key-ana --model m", "--api-key *** --model m"),
        ("api_key=secret", "api_key=***"),
        ("x-api-key: abcdef accept: */*", "x-api-key: *** accept: */*"),
        ("api_key=abc;apikey=def", "api_key=***;apikey=***"),
        ("params: {'api_key': ['a1', 'b2'], 'x': [1]}", "params: {'api_key': ['***'], 'x': [1]}"),
        ("api_key:\n  " + KEY, "api_key:\n  ***"),
        ("api_key: >-\n  " + KEY, "api_key: >-\n  ***"),
        (f'name="api_key"\r\n\r\n{KEY}\r\n--boundary', 'name="api_key"\r\n\r\n***\r\n--boundary'),
        (f"run\x00--api-key\x00{KEY}\x00x", "run\x00--api-key\x00***\x00x"),
        ("redis://:abc@localhost/0", "redis://:***@localhost/0"),
    ],
)
def test_only_the_value_is_masked(text, masked):
    assert mask_patterns(text) == masked


HARMLESS = """
    an api_key is needed
    api_key is missing
    API key is missing or invalid
    Missing api_key: please provide one
    Your API key: check your settings
    api_key: required
    {"api_key": ["This field is required."]}
    {"api_key": null, "model": "yolo"}
    {"api_key": "", "model": "yolo"}
    api_key=None
    api_key=***
    api_key=&model=x
    api_keys: 3 loaded
    api_key_count=3
    validate_api_key(request)
    use_api_key=false
    has_api_key: yes
    x-api-key header missing
    KeyError: 'api_key'
    f() got an unexpected keyword argument 'api_key'
    def f(api_key: str, model_id: str) -> None:
    api_key = os.getenv("ROBOFLOW_API_KEY")
    return get(url, api_key=self.api_key)
    headers["x-api-key"] = api_key
    key: value
    {"key": "abc"}
    color: red
    monkey: banana
    primary key: id
    the key "abc" is unknown
    GET /keys/5 HTTP/1.1
    token expired
    Token type: bearer
    unexpected token: end of file
    max_tokens: 1024
    password reset requested
    Password: must be at least 8 characters
    password: wrong for user ana
    Authorization header is missing
    authorization: denied for user bob
    Basic auth is disabled
    bearer token is missing
    the bearer of bad news
    private_key=/etc/ssl/key.pem
    access_token_url=https://x.y/z
    INFO:     127.0.0.1:46296 - "GET /keys/5 HTTP/1.1" 200 OK
    2026-01-31 12:00:00 | INFO | inference.managers.base:add_model:58 - Model yolov8n-640 loaded
    {"event": "request_finished", "request_id": "0f8fad5bd9cb469fa16570867728950e", "duration_ms": 35.1}
    sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    git@github.com:roboflow/inference.git
    redis://cache:6379/0
    http://user@host/x
    see https://docs.roboflow.com/api-reference/authentication for your API key
    pytest -k test_something
    curl -k https://x/y
    GPU memory: 35% used, 5120 MiB / 15360 MiB; temperature 61 C
"""


@pytest.mark.parametrize("text", ["", *map(str.strip, HARMLESS.strip().splitlines())])
def test_ordinary_text_is_left_as_it_is(text):
    assert mask_patterns(text) == text


def test_masking_twice_changes_nothing_more():
    once = [mask_patterns(with_key(line)) for _, line in LINES]

    assert [mask_patterns(text) for text in once] == once


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey", "x-api-key", "ROBOFLOW_API_KEY", "password", "access_token"]
)
def test_names_of_keys_are_known(name):
    assert is_key_name(name)


@pytest.mark.parametrize("name", ["key", "token", "api_key_count", "monkey", "deployment_name", ""])
def test_other_names_are_none_of_keys(name):
    assert not is_key_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "api_key" * 30_000,
        "api_key=" * 30_000,
        'api_key="' * 20_000,
        "://" * 60_000,
        "://a:" * 50_000,
        "bearer " * 30_000,
        "secret(" * 30_000,
        "<" * 100_000 + "api_key>",
        "basic " + "a" * 200_000,
        "api_key: " + "\\" * 200_000,
        " " * 200_000 + "api_key",
        "api_key" + "\x1b[0m" * 30_000,
        "api_key: " + "[" * 100_000,
        "api_key" + "\n x:" * 50_000,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long(text):
    started = time.process_time()
    mask_patterns(text)

    assert time.process_time() - started < 1
