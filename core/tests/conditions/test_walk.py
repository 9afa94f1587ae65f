from falco.conditions import walk
from falco.conditions.ast import FieldName, Identifier, Literal, TransformerCall
from falco.conditions.parser import parse
from falco.documents.text import Text

CONDITION = "a or not (join(',', (x.a, tolower(x.b), 'c')) in (d, e) and x.c = val(x.d)) or x.e in names"


def test_leaves_come_from_left_to_right():
    leaves = list(walk.leaves(parse(Text.of(CONDITION))))

    assert leaves[0].name == "a"
    assert [leaf.operator for leaf in leaves[1:]] == ["in", "=", "in"]


def test_operands_come_from_left_to_right_the_outer_ones_first():
    leaves = list(walk.leaves(parse(Text.of(CONDITION))))
    found = [
        operand.text if isinstance(operand, Literal) else operand.name
        for leaf in leaves
        for operand in walk.operands(leaf)
        if isinstance(operand, FieldName | Literal | TransformerCall)
    ]

    assert found == ["join", ",", "x.a", "tolower", "x.b", "c", "d", "e", "x.c", "val", "x.d", "x.e"]
    assert isinstance(leaves[-1].right, Identifier)


def test_a_fold_gives_the_children_in_order():
    def join(joint, children):
        return f"{type(joint).__name__}({' '.join(children)})"

    def leaf(node):
        return node.name

    assert walk.fold(parse(Text.of("a and not (b or c) and d")), leaf, join) == "And(a Not(Or(b c)) d)"
    assert walk.fold(parse(Text.of("a")), leaf, join) == "a"
