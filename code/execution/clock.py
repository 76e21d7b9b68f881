"""Another date for a run, and other addresses, so that what it shows of them comes to light."""

import datetime
import sys
import time

BALLAST = []


def shift(later):
    """Let this process believe that it is so many seconds later.

    What the clock says is changed in Python's own modules; durations stay as they are. In the
    later run objects lie elsewhere, so sets of them have another order, and torch is seeded by
    chance, since it begins with the same seed in each process.
    """
    clock, clock_ns = time.time, time.time_ns
    local, universal, text, format_ = time.localtime, time.gmtime, time.ctime, time.strftime
    long = time.asctime

    def now(seconds):
        return time.time() if seconds is None else seconds

    time.time = lambda: clock() + later
    time.time_ns = lambda: clock_ns() + later * 10**9
    time.localtime = lambda seconds=None: local(now(seconds))
    time.gmtime = lambda seconds=None: universal(now(seconds))
    time.ctime = lambda seconds=None: text(now(seconds))
    time.asctime = lambda fields=None: long(time.localtime() if fields is None else fields)
    time.strftime = lambda form, fields=None: format_(
        form, time.localtime() if fields is None else fields
    )
    real = datetime.datetime

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, real)

        def __subclasscheck__(cls, kind):
            return issubclass(kind, real)

    class Later(real, metaclass=Kind):
        """The class of dates, whose instances are of the real class."""

        def __new__(cls, *args, **kwargs):
            return real(*args, **kwargs)

        @classmethod
        def now(cls, tz=None):
            return real.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls):
            return real.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    Later.__name__ = Later.__qualname__ = "datetime"
    Later.__module__ = "datetime"
    datetime.datetime = Later
    if later:
        BALLAST.extend(object() for _ in range(10_007))
        if "torch" in sys.modules:
            sys.modules["torch"].seed()
