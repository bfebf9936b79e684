"""How large requests may be, how long clients may take, and how much one web process does at a time.

`portal/supervisor/web_server.py` keeps them. docs/operating.md tells operators what they mean.
"""

WEB_THREADS = 6  # of one web process
WEB_CONNECTIONS = 200  # of one web process; a further one replaces the one that waits longest

# How long a connection may go without a request, and how long a client may take to send a head, and then a
# body. No form of the portal is longer than some kilobytes.
REQUEST_SECONDS = {"idle": 30, "head": 10, "body": 30}
REQUEST_HEAD_BYTES = 64 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # Django's name; no form of ours comes near it

# An answer is cut off when its client took less than this rate for so long.
ANSWER_SECONDS = 30
ANSWER_BYTES_PER_SECOND = 16 * 1024

EXPORTS_AT_ONCE = 2  # of one web process; a further one is refused with a page
FILE_THREADS = EXPORTS_AT_ONCE + 1  # of one web process, for exports alone: one more tells that they are busy
EXPORT_SECONDS = 900  # the longest that one export may run

# Files with a digest of their content in their names: browsers keep them, and never ask again.
WHITENOISE_IMMUTABLE_FILE_TEST = r"\.[0-9a-f]{12}\.[^/]+$"
