def test_a_long_name_is_shortened_and_stays_distinct() -> None:
    from pipelines.tracking import LONGEST_NAME, _numbers

    found = _numbers({"a" * 400: 1, "a" * 399 + "b": 2, "short": 3})
    assert sorted(found.values()) == [1.0, 2.0, 3.0] and max(map(len, found)) <= LONGEST_NAME
