"""A record is opened without pandas, and pandas can still be imported."""

import sys

import localfair.record.database


def test_pandas_is_not_taken_for_missing_afterwards():
    assert localfair.record.database.Database
    assert sys.modules.get("pandas", "not loaded") is not None
