"""A worker that outlives a short silence of Redis.

kombu forgets a delivered message only when Redis took its acknowledgement. If that times out, the message stays counted against the prefetch limit for good;
after as many such time-outs as the worker has slots it fetches nothing any more, and says nothing (seen with kombu 5.7.0: Redis silent for two seconds).
Here the message is forgotten either way. Redis gives it out again after the visibility timeout, which is harmless: every task is.
"""

from kombu.transport import redis, virtual


class SteadyQoS(redis.QoS):  # type: ignore[misc]
    """Counts a message as done even when Redis did not hear of it."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; the error of Redis still reaches kombu, which logs it."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)


def install() -> None:
    """Let kombu's Redis channels count this way."""
    redis.Channel.QoS = SteadyQoS
