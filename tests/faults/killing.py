"""Kill a worker that runs in the test's own process: an exception takes the place of SIGKILL."""

from contextlib import contextmanager

POINTS = {  # where a worker dies: the function of deployments/operations/run.py, and whether it has run
    "before its first read": ("verify_target", False),
    "after its first read": ("verify_target", True),
    "after it stored that it sends": ("mark_sent", True),
    "after the reply": ("call_roboflow", True),
    "before it stored the answer": ("transition", False),
    "after it stored the answer": ("transition", True),
}


class Kill(BaseException):
    """Ends the worker. No code catches it, as no code can catch SIGKILL."""


@contextmanager
def killed_in(module, name, *, after):
    """Kill the caller of the module's function: before the function runs, or right after."""
    function = getattr(module, name)

    def fatal(*args, **kwargs):
        if after:
            function(*args, **kwargs)
        raise Kill

    setattr(module, name, fatal)
    try:
        yield
    except Kill:
        pass
    finally:
        setattr(module, name, function)
