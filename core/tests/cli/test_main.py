"""The entry of the process."""

import falco.__main__
import falco.cli


def test_an_interrupt_before_anybody_listens_to_signals_is_no_fault(monkeypatch):
    def interrupted(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(falco.cli, "main", interrupted)

    assert falco.__main__.main() == 130
