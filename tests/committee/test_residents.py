"""One model resident at a time."""

from localfair.committee.residents import OneResident


def nobody_fails(request, error):
    raise error


def test_the_same_model_is_opened_once(seating, script):
    member = seating.member("teacher", 0, script("peer"))
    residents = OneResident()
    engine = residents.engine(member, nobody_fails)
    assert residents.engine(member, nobody_fails) is engine
    assert residents.has(member.identity)


def test_another_takes_its_place(seating, script):
    first, second = seating.seat("teacher", [script("a"), script("b")])
    residents = OneResident()
    residents.engine(first, nobody_fails)
    residents.engine(second, nobody_fails)
    assert [residents.has(first.identity), residents.has(second.identity)] == [False, True]


def test_nothing_is_resident_once_memory_is_freed(seating, script):
    member = seating.member("teacher", 0, script("peer"))
    residents = OneResident()
    residents.engine(member, nobody_fails)
    residents.free()
    residents.free()
    assert not residents.has(member.identity)
