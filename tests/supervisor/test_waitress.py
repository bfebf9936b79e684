"""What the portal uses of the inside of waitress: a test fails when waitress changes.

When one fails: read waitress's changes, mend portal/supervisor/connections.py and web_server.py, then write
the new version into connections.py.
"""

import inspect
from importlib.metadata import version

from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, TcpWSGIServer
from waitress.task import Task, WSGITask

from portal.supervisor import connections
from portal.supervisor.web_server import adjustments


def test_the_file_names_the_installed_version():
    assert f"waitress {version('waitress')};" in connections.__doc__


def test_the_overridden_methods_still_exist_and_are_called():
    for owner, names in (
        (HTTPChannel, ("received", "service", "send", "handle_close")),
        (TcpWSGIServer, ("set_socket_options", "readable", "handle_accept", "add_task", "maintenance")),
        (WSGITask, ("execute", "finish")),
    ):
        assert [name for name in names if not callable(getattr(owner, name, None))] == []
    assert "self.maintenance(now)" in inspect.getsource(BaseWSGIServer.readable)
    assert "self.server.add_task(self)" in inspect.getsource(HTTPChannel.received)
    assert {"requests", "request", "total_outbufs_len", "close_when_flushed", "requests_lock"} <= set(
        HTTPChannel.__init__.__code__.co_names + HTTPChannel.service.__code__.co_names
    ) | set(vars(HTTPChannel))
    assert {"wrote_header", "chunked_response"} <= set(vars(Task))


def test_waitress_alone_ends_a_silent_connection_only():
    """When this fails: waitress may have deadlines of its own. Then use them."""
    assert "last_activity < cutoff" in inspect.getsource(BaseWSGIServer.maintenance)


def test_forwarded_headers_are_left_to_the_portal_and_one_limit_decides():
    ours = adjustments()

    assert ours.trusted_proxy is None and ours.clear_untrusted_proxy_headers is False
    assert ours.max_request_body_size > 1024 * 1024 and not ours.ident
