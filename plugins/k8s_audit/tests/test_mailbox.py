"""The mailbox holds a bounded number of bodies and bytes, and loses none."""

import threading

from falco_k8s_audit.mailbox import Delivery, Mailbox

_PATIENCE_S = 20.0


def body(text):
    return Delivery(text, "someone")


def waiting_put(box, delivery):
    """A thread that puts, and its answer."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(box.put(delivery)))
    thread.start()
    return thread, answers


def test_bodies_come_out_in_order_and_all_at_once():
    box = Mailbox()

    assert box.put(body(b"a"))
    assert box.put(body(b"b"))
    assert [d.body for d in box.take(0)] == [b"a", b"b"]
    assert box.take(0) == []


def test_a_full_box_makes_wait_whoever_puts():
    for box in (Mailbox(bodies=2), Mailbox(size=10)):
        box.put(body(b"aaaaa"))
        box.put(body(b"bbbbb"))
        thread, answers = waiting_put(box, body(b"c"))
        thread.join(0.05)
        assert answers == []
        assert len(box.take(0)) == 2
        thread.join(_PATIENCE_S)

        assert answers == [True]
        assert [d.body for d in box.take(0)] == [b"c"]


def test_a_body_larger_than_the_box_passes_alone():
    box = Mailbox(size=3)

    assert box.put(body(b"large"))


def test_a_closed_box_takes_nothing_and_gives_what_it_has():
    box = Mailbox(bodies=1)
    box.put(body(b"a"))
    thread, answers = waiting_put(box, body(b"b"))
    box.close()
    thread.join(_PATIENCE_S)

    assert answers == [False]
    assert not box.put(body(b"c"))
    assert [d.body for d in box.take(_PATIENCE_S)] == [b"a"]
    assert box.take(_PATIENCE_S) == []
