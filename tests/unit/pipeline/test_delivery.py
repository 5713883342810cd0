"""A delivery knows how often it was handed out and where in its stream it is."""

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import NotJSMessageError

from pipeline.jetstream.pull import Delivery

REPLIES = {
    "plain": "$JS.ACK.MAIL.extractor.2.345.67.1763884301340841000.500",
    "with a domain": "$JS.ACK.hub.ACCOUNT.MAIL.act-a_b.2.345.67.1763884301340841000.500",
    "without a domain, with a random end": "$JS.ACK._.12.34.56.2.345.67.1763884301340841000.500.Xy7",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_it_is_read_as_the_driver_reads_it(reply: str) -> None:
    delivery = Delivery.of(Msg(Client(), reply=reply))

    assert (delivery.deliveries, delivery.sequence) == (2, 345)
    assert delivery.msg.metadata.num_delivered == 2
    assert delivery.msg.metadata.sequence.stream == 345


@pytest.mark.parametrize("reply", ["", "_INBOX.a.1", "$JS.ACK.MAIL.extractor.x.345.67.1763884301340841000.500"])
def test_what_jetstream_did_not_deliver_is_none(reply: str) -> None:
    with pytest.raises(NotJSMessageError):
        Delivery.of(Msg(Client(), reply=reply))
