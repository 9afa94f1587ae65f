from falco.cli.progress import Progress


def test_the_line_has_share_rate_and_alerts():
    progress = Progress(1000)
    progress.line(100, 10, 0)
    line = progress.line(500, 1234567, 2)

    assert line.startswith("50% [############------------]  ")
    assert "events/s" in line
    assert "MB/s" in line
    assert line.endswith("2 alerts")


def test_the_time_left_is_told_while_there_is_some():
    progress = Progress(1000)
    for done in range(100, 1000, 100):
        line = progress.line(done, 1, 1)

    assert " left  1 alert" in line
    assert "left" not in progress.line(1000, 1, 1)


def test_an_input_of_unknown_size_has_no_share():
    assert "%" not in Progress(0).line(0, 5, 0)


def test_a_file_that_has_grown_is_not_more_than_whole():
    assert Progress(10).line(50, 1, 0).startswith("100% ")
