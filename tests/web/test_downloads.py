"""A download: bytes with an end, which gives its place back however it ends."""

import time

import pytest
from structlog.testing import capture_logs

from portal.web.downloads import DownloadTooLong, reserve_download, running


@pytest.fixture
def download():
    reserved = reserve_download()
    yield reserved
    reserved.close()


def test_a_whole_download_is_no_line_of_the_log_and_ends_once(download):
    ends = []
    download.on_end = lambda: ends.append(True)

    with capture_logs() as lines:
        body = b"".join(download.begin(iter([b"a", b"b"]), filename="fleet.csv"))
        download.close()
        download.close()

    assert (body, lines, ends, len(running)) == (b"ab", [], [True], 0)


def test_one_that_is_cut_off_is_a_line_of_the_log_and_ends_its_query(download):
    ended = []

    def rows():
        try:
            yield b"first"
            yield b"second"
        finally:
            ended.append(True)

    with capture_logs() as lines:
        next(download.begin(rows(), filename="fleet.csv"))
        download.close()

    assert ended == [True] and len(running) == 0
    assert [(one["event"], one["file"], one["bytes"]) for one in lines] == [
        ("download_cut_off", "fleet.csv", 5)
    ]


def test_one_that_takes_too_long_is_an_error_and_no_end_of_file(download, settings):
    settings.EXPORT_SECONDS = 0.05
    download.begin(iter([b"a", b"b"]), filename="fleet.csv")
    assert next(download) == b"a"

    time.sleep(0.1)

    with pytest.raises(DownloadTooLong):
        next(download)


def test_one_that_was_lost_does_not_count(settings):
    for _ in range(settings.EXPORTS_AT_ONCE + 1):
        assert reserve_download() is not None  # and nobody keeps it
