from falco.documents.nearby import nearest


def test_similar_names_are_told(tmp_path):
    for name in ("audit.log", "audit.log.1", "other"):
        (tmp_path / name).touch()

    assert nearest(tmp_path / "adit.log") == f" (in {tmp_path} there is: audit.log, audit.log.1)"


def test_the_part_of_a_path_that_is_wrong_is_the_one_looked_at(tmp_path):
    (tmp_path / "rules.d").mkdir()

    assert nearest(tmp_path / "rule.d" / "a.yaml") == f" (in {tmp_path} there is: rules.d)"


def test_there_may_be_nothing_similar(tmp_path):
    (tmp_path / "other").touch()

    assert nearest(tmp_path / "x") == ""
