from falco.cli import tree
from falco.cli.tree import Tree, path_of


def counted(*paths):
    found = Tree()
    for path in paths:
        found.count(path.split("/"))
    return found


def test_counts_go_up_and_what_has_more_comes_first():
    found = counted("init/cron/sh", "init/sshd/bash", "init/sshd/bash/nc", "init/sshd/bash/nc")

    assert list(found.rows(str)) == [("init", 4), ("  sshd > bash", 3), ("    nc", 2), ("  cron > sh", 1)]


def test_a_node_with_alerts_of_its_own_has_its_own_row():
    assert list(counted("a/b", "a/b/c").rows(str)) == [("a > b", 2), ("  c", 1)]


def test_the_document_tells_the_same():
    assert counted("a/b", "a").document(str.upper) == [
        {"name": "A", "alerts": 2, "below": [{"name": "B", "alerts": 1}]}
    ]


def test_the_number_of_names_is_bounded_and_no_alert_is_lost(monkeypatch):
    monkeypatch.setattr(tree, "_MOST_NODES", 3)
    found = counted("a/b", "a/c", "a/d", "a/e/f", "x/y", "a/b")

    assert list(found.rows(str)) == [("a", 5), ("  b", 2), ("  (others)", 2), ("  c", 1), ("(others)", 1)]


def test_an_empty_tree_is_false():
    assert not Tree()
    assert counted("a")


def test_a_path_begins_with_the_outermost_name_that_is_known():
    assert path_of(["sh", "nginx", None, None]) == ["nginx", "sh"]
    assert path_of(["sh", None, "init", None]) == ["init", "", "sh"]
    assert path_of([None, None]) == [""]


def test_of_a_list_the_first_item_is_the_name():
    assert path_of(["sh", ("nginx",), ()]) == ["nginx", "sh"]
